// Package postgres stores bookings, their units, tickets and refunds, and the outbox.
package postgres

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the schema's files.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is compiled in
	}
	return sub
}

// Store implements the stores of booking, saga and seatmap.
type Store struct {
	Pool         *pgxpool.Pool
	Grace        time.Duration // how long an unpaid booking is left alone after its deadline
	StepNotifier *StepNotifier // is told of each step; may be nil
}

var (
	_ booking.Store = Store{}
	_ saga.Store    = Store{}
)

// retryAfter is when the sweeper drives a booking that should have made its next step.
const retryAfter = 5 * time.Second

// unitRow is a unit in the column bookings.units.
type unitRow struct {
	wire.Unit
	Released bool `json:"released,omitempty"`
}

func unitRows(b booking.Booking) []unitRow {
	rows := make([]unitRow, len(b.Units))
	for i, u := range b.Units {
		rows[i] = unitRow{wire.FromUnit(u.HeldUnit), u.Released}
	}
	return rows
}

// occasionRow is the column bookings.occasion.
type occasionRow struct {
	Name            string     `json:"name"`
	Merchant        string     `json:"merchant"`
	StartsAt        time.Time  `json:"startsAt"`
	EndsAt          time.Time  `json:"endsAt"`
	TimeZone        string     `json:"timeZone"`
	VenueName       string     `json:"venueName"`
	VenueCity       string     `json:"venueCity"`
	VenueCountry    string     `json:"venueCountry"`
	RefundableUntil *time.Time `json:"refundableUntil,omitempty"`
	HighDemand      bool       `json:"highDemand,omitempty"`
	PerAccount      int        `json:"perAccount,omitempty"`
}

const columns = `id, event_id, hold_id, account, status, version, reason, amount, currency, units, occasion,
	payment_id, intent, client_secret, publishable_key, authorized, settled, expires_at, created_at, updated_at`

func scan(row pgx.Row) (booking.Booking, error) {
	var (
		b                      booking.Booking
		units                  []unitRow
		occasion               occasionRow
		payment                *uuid.UUID
		intent, secret, public *string
	)
	err := row.Scan(&b.ID, &b.Event, &b.Hold, &b.Account, &b.Status, &b.Version, &b.Reason, &b.Total.Amount, &b.Total.Currency,
		&units, &occasion, &payment, &intent, &secret, &public, &b.Authorized, &b.Settled, &b.ExpiresAt, &b.CreatedAt, &b.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, booking.ErrBookingNotFound
	}
	if err != nil {
		return b, fmt.Errorf("read booking: %w", err)
	}
	for _, u := range units {
		b.Units = append(b.Units, booking.BookedUnit{HeldUnit: u.HeldUnit(), Released: u.Released})
	}
	b.Occasion = booking.EventSnapshot(occasion)
	if payment != nil {
		b.Payment = &booking.Payment{ID: *payment, Intent: deref(intent), ClientSecret: deref(secret), PublishableKey: deref(public)}
	}
	return b, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Get implements booking.Store and saga.Store.
func (s Store) Get(ctx context.Context, id uuid.UUID) (booking.Booking, error) {
	return scan(s.Pool.QueryRow(ctx, `SELECT `+columns+` FROM bookings WHERE id = $1`, id))
}

// Create implements booking.Store.
func (s Store) Create(ctx context.Context, b booking.Booking) (booking.Booking, bool, error) {
	units, err := json.Marshal(unitRows(b))
	if err != nil {
		return b, false, err
	}
	occasion, err := json.Marshal(occasionRow(b.Occasion))
	if err != nil {
		return b, false, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO bookings (id, event_id, hold_id, account, merchant, status, version, amount, currency,
			units, occasion, expires_at, created_at, updated_at, next_look)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)`,
		b.ID, b.Event, b.Hold, b.Account, b.Occasion.Merchant, b.Status, b.Version, b.Total.Amount, b.Total.Currency,
		units, occasion, b.ExpiresAt, b.CreatedAt, s.nextLook(b))
	if err := enqueueMessages(ctx, batch, b, booking.Effects{Drive: true}); err != nil {
		return b, false, err
	}
	err = s.send(ctx, batch)
	if database.Violates(err, database.UniqueViolation, "") {
		stored, findErr := scan(s.Pool.QueryRow(ctx, `SELECT `+columns+` FROM bookings WHERE hold_id = $1`, b.Hold))
		if findErr != nil {
			return b, false, fmt.Errorf("create booking: %w", errors.Join(err, findErr))
		}
		return stored, false, nil
	}
	if err != nil {
		return b, false, fmt.Errorf("create booking: %w", err)
	}
	return b, true, nil
}

// send executes a batch in one round trip. A batch outside a transaction is a transaction of its own.
func (s Store) send(ctx context.Context, batch *pgx.Batch) error {
	return s.Pool.SendBatch(ctx, batch).Close()
}

// Save implements booking.Store and saga.Store.
func (s Store) Save(ctx context.Context, b booking.Booking, e booking.Effects) error {
	units, err := json.Marshal(unitRows(b))
	if err != nil {
		return err
	}
	var payment *uuid.UUID
	var intent, secret, public *string
	if b.Payment != nil {
		payment, intent, secret, public = &b.Payment.ID, &b.Payment.Intent, &b.Payment.ClientSecret, &b.Payment.PublishableKey
	}
	batch := &pgx.Batch{}
	batch.Queue(`WITH step AS (
			UPDATE bookings SET status = $3, version = $2, reason = $4, units = $5, payment_id = $6, intent = $7,
				client_secret = $8, publishable_key = $9, authorized = $10, settled = $11, updated_at = $12, next_look = $13
			WHERE id = $1 AND version = $2 - 1 RETURNING 1)
		SELECT expect_one(count(*)) FROM step`,
		b.ID, b.Version, b.Status, b.Reason, units, payment, intent, secret, public, b.Authorized, b.Settled, b.UpdatedAt, s.nextLook(b))
	effects(batch, b, e)
	if err := enqueueMessages(ctx, batch, b, e); err != nil {
		return err
	}
	err = s.send(ctx, batch)
	switch {
	case database.Violates(err, database.NoDataFound, ""):
		return booking.ErrStale
	case database.Violates(err, database.UniqueViolation, "booking_units_once"):
		return booking.ErrUnitsUnavailable.Because(err)
	case err != nil:
		return fmt.Errorf("save booking: %w", err)
	}
	count(ctx, b, e)
	if !e.Quiet && b.Status != booking.Secured { // the capture follows at once
		s.notify(b.ID)
	}
	return nil
}

func (s Store) notify(id uuid.UUID) {
	if s.StepNotifier != nil {
		s.StepNotifier.Notify(id)
	}
}

// effects adds the statements of a step's effects to a batch.
func effects(batch *pgx.Batch, b booking.Booking, e booking.Effects) {
	if e.Claim {
		for _, u := range b.Units {
			batch.Queue(`INSERT INTO booking_units (booking_id, event_id, unit_id, ticket_type, type_name, amount, currency, booked_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
				b.ID, b.Event, u.ID, u.TicketType, u.TypeName, u.Price.Amount, u.Price.Currency, b.UpdatedAt)
		}
	}
	if b.Status.Ended() {
		batch.Queue(`UPDATE booking_units SET released_at = $2 WHERE booking_id = $1 AND released_at IS NULL`, b.ID, b.UpdatedAt)
	}
	for _, t := range e.Tickets {
		batch.Queue(`INSERT INTO tickets (id, booking_id, event_id, unit_id, code, issued_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.ID, t.Booking, t.Event, t.Unit, t.Code, t.IssuedAt)
	}
	if r := e.Opened; r != nil {
		batch.Queue(`INSERT INTO refunds (id, booking_id, units, amount, reason, status, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`, r.ID, r.Booking, r.Units, r.Amount, r.Reason, r.Status, r.At)
	}
	if r := e.Closed; r != nil {
		batch.Queue(`UPDATE refunds SET status = $2, updated_at = $3, failures = $4 WHERE id = $1`, r.ID, r.Status, b.UpdatedAt, r.Failures)
		if r.Status == booking.RefundSucceeded {
			batch.Queue(`UPDATE booking_units SET released_at = $3 WHERE booking_id = $1 AND unit_id = ANY($2) AND released_at IS NULL`, b.ID, r.Units, b.UpdatedAt)
			batch.Queue(`UPDATE tickets SET voided_at = $3 WHERE booking_id = $1 AND unit_id = ANY($2) AND voided_at IS NULL`, b.ID, r.Units, b.UpdatedAt)
		}
	}
}

// enqueueMessages adds the messages of a step to the outbox: the outcome, and the request to drive the booking.
func enqueueMessages(ctx context.Context, batch *pgx.Batch, b booking.Booking, e booking.Effects) error {
	if (b.Status.Outcome() || e.Told != "") && !e.Quiet {
		told := messages.BookingChanged{
			Booking: b.ID, Event: b.Event, Account: b.Account, Status: cmp.Or(e.Told, string(b.Status)), Version: b.Version,
			Units: b.UnitIDs(), Reason: b.Reason, At: b.UpdatedAt.UTC(),
		}
		if r := e.Closed; r != nil {
			told.Refund = &messages.BookingRefund{ID: r.ID, Amount: r.Amount, Currency: b.Total.Currency, Units: r.Units, Failures: r.Failures}
		}
		if err := enqueue(ctx, batch, messages.BookingEvents, b.ID, told); err != nil {
			return err
		}
	}
	if !e.Drive {
		return nil
	}
	topic := messages.BookingRequests
	if b.Occasion.HighDemand {
		topic = messages.BookingRequestsPriority
	}
	return enqueue(ctx, batch, topic, b.ID, messages.BookingRequested{Booking: b.ID, Event: b.Event})
}

func enqueue(ctx context.Context, batch *pgx.Batch, topic string, key uuid.UUID, payload any) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	batch.Queue(`INSERT INTO outbox (id, topic, key, payload, trace) VALUES ($1, $2, $3, $4, $5)`, id, topic, key.String(), raw, telemetry.TraceParent(ctx))
	return nil
}

// nextLook gives when the sweeper drives a booking that makes no step until then; nil: never.
func (s Store) nextLook(b booking.Booking) *time.Time {
	var at time.Time
	switch {
	case b.Status == booking.AwaitingPayment && !b.Authorized:
		at = b.ExpiresAt.Add(s.Grace)
	case b.Status == booking.Confirmed, b.Status == booking.Refunded, b.Settled:
		return nil
	default:
		at = b.UpdatedAt.Add(retryAfter)
	}
	return &at
}

// Due implements saga.DueQueue. The longest overdue come first.
func (s Store) Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]uuid.UUID, error) {
	rows, err := s.Pool.Query(ctx, `UPDATE bookings SET next_look = $2 WHERE id IN (
			SELECT id FROM bookings WHERE next_look <= $1 ORDER BY next_look LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING id`, now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("due bookings: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// OpenRefund implements saga.Store.
func (s Store) OpenRefund(ctx context.Context, id uuid.UUID) (booking.Refund, bool, error) {
	rows, err := s.refunds(ctx, `WHERE booking_id = $1 AND status = 'requested'`, id)
	if err != nil || len(rows) == 0 {
		return booking.Refund{}, false, err
	}
	return rows[0], true, nil
}

// FindRefund implements saga.Store.
func (s Store) FindRefund(ctx context.Context, id, refund uuid.UUID) (booking.Refund, bool, error) {
	rows, err := s.refunds(ctx, `WHERE booking_id = $1 AND id = $2`, id, refund)
	if err != nil || len(rows) == 0 {
		return booking.Refund{}, false, err
	}
	return rows[0], true, nil
}

// Refunds of a booking, oldest first.
func (s Store) Refunds(ctx context.Context, id uuid.UUID) ([]booking.Refund, error) {
	return s.refunds(ctx, `WHERE booking_id = $1 ORDER BY created_at`, id)
}

func (s Store) refunds(ctx context.Context, where string, args ...any) ([]booking.Refund, error) {
	rows, err := s.Pool.Query(ctx, `SELECT id, booking_id, units, amount, reason, status, created_at, failures FROM refunds `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("refunds: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (booking.Refund, error) {
		var r booking.Refund
		err := row.Scan(&r.ID, &r.Booking, &r.Units, &r.Amount, &r.Reason, &r.Status, &r.At, &r.Failures)
		return r, err
	})
}

// Tickets of bookings that are not void, by booking.
func (s Store) Tickets(ctx context.Context, bookings ...uuid.UUID) (map[uuid.UUID][]booking.Ticket, error) {
	rows, err := s.Pool.Query(ctx, ticketColumns+`WHERE booking_id = ANY($1) AND voided_at IS NULL ORDER BY id`, bookings)
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanTicket)
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	byBooking := map[uuid.UUID][]booking.Ticket{}
	for _, t := range all {
		byBooking[t.Booking] = append(byBooking[t.Booking], t)
	}
	return byBooking, nil
}

// Ticket gives one ticket.
func (s Store) Ticket(ctx context.Context, id uuid.UUID) (booking.Ticket, error) {
	rows, err := s.Pool.Query(ctx, ticketColumns+`WHERE id = $1`, id)
	if err != nil {
		return booking.Ticket{}, fmt.Errorf("ticket: %w", err)
	}
	t, err := pgx.CollectOneRow(rows, scanTicket)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, booking.ErrTicketNotFound
	}
	return t, err
}

const ticketColumns = `SELECT id, booking_id, event_id, unit_id, code, issued_at, voided_at IS NOT NULL FROM tickets `

func scanTicket(row pgx.CollectableRow) (booking.Ticket, error) {
	var t booking.Ticket
	err := row.Scan(&t.ID, &t.Booking, &t.Event, &t.Unit, &t.Code, &t.IssuedAt, &t.Void)
	return t, err
}

// List gives bookings, newest first.
func (s Store) List(ctx context.Context, f booking.Filter) ([]booking.Booking, error) {
	rows, err := s.Pool.Query(ctx, `SELECT `+columns+` FROM bookings
		WHERE ($1 = '' OR account = $1) AND ($2::uuid IS NULL OR event_id = $2) AND ($3 = '' OR status = $3) AND ($4::uuid IS NULL OR id < $4)
		ORDER BY id DESC LIMIT $5`, f.Account, null(f.Event), f.Status, null(f.Before), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list bookings: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (booking.Booking, error) { return scan(row) })
}

func null(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Sales counts what an event sold, by ticket type.
func (s Store) Sales(ctx context.Context, id uuid.UUID) ([]booking.TypeSales, error) {
	rows, err := s.Pool.Query(ctx, `SELECT u.ticket_type, min(u.type_name), count(*) FILTER (WHERE u.released_at IS NULL),
			count(*) FILTER (WHERE u.released_at IS NOT NULL AND b.status IN ('confirmed', 'refunding', 'refunded')),
			coalesce(sum(u.amount) FILTER (WHERE u.released_at IS NULL), 0)::bigint, min(u.currency)
		FROM booking_units u JOIN bookings b ON b.id = u.booking_id WHERE u.event_id = $1 AND b.status <> 'secured'
		GROUP BY u.ticket_type ORDER BY 1`, id)
	if err != nil {
		return nil, fmt.Errorf("sales: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[booking.TypeSales])
}
