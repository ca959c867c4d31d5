// Package rest is the waiting room's HTTP face.
package rest

import (
	_ "embed"
	"math"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

//go:generate go tool oapi-codegen -config oapi-codegen.yaml openapi.yaml

// Spec is the OpenAPI document.
//
//go:embed openapi.yaml
var Spec []byte

// Server implements the generated interface.
type Server struct {
	Service *waitingroom.Service
	Hub     *Hub
}

var _ Handlers = Server{}

// JoinQueue implements POST /api/v1/events/{event}/queue.
func (s Server) JoinQueue(w http.ResponseWriter, r *http.Request, event EventId) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	standing, created, err := s.Service.Join(r.Context(), account, event)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return s.place(w, r, status, event, account, standing)
}

// GetQueuePlace implements GET /api/v1/events/{event}/queue.
func (s Server) GetQueuePlace(w http.ResponseWriter, r *http.Request, event EventId, params GetQueuePlaceParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	standing, err := s.Service.Standing(r.Context(), account, event, deref(params.QueuePlace))
	if err != nil {
		return err
	}
	return s.place(w, r, http.StatusOK, event, account, standing)
}

func (s Server) place(w http.ResponseWriter, r *http.Request, status int, event uuid.UUID, account identity.Account, st waitingroom.Standing) error {
	p := Place{
		Place: s.Service.Place(event, account, st.Arrival), Number: st.Number, Position: st.Position, Ahead: st.Ahead, State: PlaceState(st.State),
	}
	if st.ETAKnown {
		eta := int64(math.Ceil(st.ETA.Seconds()))
		p.EtaSeconds = &eta
	}
	if st.State == waitingroom.InLobby && !st.OpensAt.IsZero() {
		opens := st.OpensAt.UTC()
		p.OpensAt = &opens
	}
	if st.State == waitingroom.Admitted {
		until := st.Until.UTC()
		p.ExpiresAt = &until
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpapi.WriteJSON(w, r, status, p)
}

// LeaveQueue implements DELETE /api/v1/events/{event}/queue.
func (s Server) LeaveQueue(w http.ResponseWriter, r *http.Request, event EventId) error {
	account, err := identity.Require(r.Context())
	if err == nil {
		err = s.Service.Leave(r.Context(), account, event)
	}
	if err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// ClaimAdmission implements POST /api/v1/events/{event}/queue/admission.
func (s Server) ClaimAdmission(w http.ResponseWriter, r *http.Request, event EventId, params ClaimAdmissionParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	pass, until, err := s.admit(r.Context(), account, event, deref(params.QueuePlace))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpapi.WriteJSON(w, r, http.StatusCreated, Admission{Pass: pass, ExpiresAt: until.UTC()})
}

// StreamQueue implements GET /api/v1/events/{event}/queue/stream.
func (s Server) StreamQueue(w http.ResponseWriter, r *http.Request, event EventId) error {
	front, err := s.Service.Front(r.Context(), event)
	if err != nil {
		return err
	}
	account, _ := identity.From(r.Context())
	return s.Hub.Open(w, account.ID, front)
}

// GetQueueSettings implements GET /api/v1/events/{event}/queue/settings.
func (s Server) GetQueueSettings(w http.ResponseWriter, r *http.Request, event EventId) error {
	account, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	line, err := s.Service.Settings(r.Context(), account, event)
	return s.settings(w, r, line, err)
}

// ChangeQueueSettings implements PATCH /api/v1/events/{event}/queue/settings.
func (s Server) ChangeQueueSettings(w http.ResponseWriter, r *http.Request, event EventId) error {
	account, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	var in SettingsChange
	if err := httpapi.Decode(r, &in); err != nil {
		return err
	}
	line, err := s.Service.Configure(r.Context(), account, event, func(set waitingroom.Settings) waitingroom.Settings {
		put(&set.Rate, in.Rate, func(v float64) float64 { return v })
		put(&set.Concurrency, in.Concurrency, func(v int) int { return v })
		put(&set.Open, in.Open, func(v bool) bool { return v })
		put(&set.Paused, in.Paused, func(v bool) bool { return v })
		put(&set.Order, in.Order, func(v SettingsChangeOrder) waitingroom.Order { return waitingroom.Order(v) })
		put(&set.OpensAt, in.OpensAt, time.Time.UTC)
		put(&set.ClaimWindow, in.ClaimWindowSeconds, func(v int) time.Duration { return time.Duration(v) * time.Second })
		return set
	})
	return s.settings(w, r, line, err)
}

// put sets a field that the client sent.
func put[T, V any](field *T, sent *V, convert func(V) T) {
	if sent != nil {
		*field = convert(*sent)
	}
}

func (s Server) settings(w http.ResponseWriter, r *http.Request, l waitingroom.Line, err error) error {
	if err != nil {
		return err
	}
	now := s.Service.Now()
	speed := l.Speed(now)
	return httpapi.WriteJSON(w, r, http.StatusOK, Settings{
		Rate: l.Settings.Rate, Concurrency: l.Settings.Concurrency, Open: l.Settings.Open, Paused: l.Settings.Paused,
		Order: SettingsOrder(l.Settings.Order), OpensAt: l.OpensAt().UTC(), ClaimWindowSeconds: int(l.Settings.ClaimWindow / time.Second),
		State: LineState(l.Status(now)), Served: l.Served, Joined: l.Arrivals, Waiting: l.Waiting(),
		Unclaimed: l.Unclaimed(), Inside: l.Inside(), MeasuredRate: &speed,
	})
}

const (
	algorithm   = "commitment = SHA-256(seed); entry = SHA-256(event ':' account); digest = SHA-256 chained over the entries from SHA-256(''); key i = HMAC-SHA-256(seed, digest || uint64 big endian i); places are the ranks of the keys"
	entriesMost = 4096
)

// GetQueueDraw implements GET /api/v1/events/{event}/queue/draw.
func (s Server) GetQueueDraw(w http.ResponseWriter, r *http.Request, event EventId) error {
	line, err := s.Service.Line(r.Context(), event)
	if err != nil {
		return err
	}
	d := line.Draw
	out := Draw{Order: DrawOrder(line.Settings.Order), Algorithm: algorithm}
	if len(d.Commitment) > 0 {
		commitment, at := waitingroom.Hex(d.Commitment), d.CommittedAt.UTC()
		out.Commitment, out.CommittedAt = &commitment, &at
	}
	if d.Held() { // not a moment earlier
		seed, digest, at := waitingroom.Hex(d.Seed), waitingroom.Hex(d.Digest), d.HeldAt.UTC()
		out.Seed, out.Digest, out.Count, out.HeldAt = &seed, &digest, &d.Count, &at
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, out)
}

// ListQueueDrawEntries implements GET /api/v1/events/{event}/queue/draw/entries.
func (s Server) ListQueueDrawEntries(w http.ResponseWriter, r *http.Request, event EventId, params ListQueueDrawEntriesParams) error {
	line, err := s.Service.Line(r.Context(), event)
	if err == nil && !line.Draw.Held() {
		err = fault.New(fault.NotFound, "no_draw", "This event has no draw.")
	}
	if err != nil {
		return err
	}
	from := int64(1)
	if params.From != nil {
		from = *params.From
	}
	hashes, next, err := s.Service.Drawn(r.Context(), line, from, entriesMost)
	if err != nil {
		return err
	}
	out := DrawEntries{From: from, Entries: make([]string, 0, len(hashes))}
	for _, h := range hashes {
		out.Entries = append(out.Entries, waitingroom.Hex(h[:]))
	}
	if next > 0 {
		out.Next = &next
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, out)
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
