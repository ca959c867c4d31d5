// Package rest serves webhooks, the reconciliation, and the calls of other services.
package rest

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/payment"
)

//go:generate go tool oapi-codegen -config oapi-codegen.yaml openapi.yaml

// Spec is the OpenAPI document.
//
//go:embed openapi.yaml
var Spec []byte

// Reports reads reconciliations and the ledger's balances.
type Reports interface {
	Report(ctx context.Context, id uuid.UUID) (payment.Reconciliation, error)
	Balances(ctx context.Context) ([]payment.Balance, error)
}

// Refunds reads refunds for admins.
type Refunds interface {
	Owing(ctx context.Context, limit int) ([]payment.Refund, error)
	FindRefund(ctx context.Context, id uuid.UUID) (payment.Refund, error)
}

// Server implements the generated interface.
type Server struct {
	Verify     func(body []byte, signature string) (payment.Webhook, error)
	Webhooks   payment.WebhookHandler
	Reconciler payment.Reconciler
	Reports    Reports
	Refunds    Refunds
	Service    payment.Service
	Provider   PaymentProvider
	Now        func() time.Time
}

var _ Handlers = Server{}

// ReceiveWebhook implements POST /webhooks/stripe.
func (s Server) ReceiveWebhook(w http.ResponseWriter, r *http.Request, params ReceiveWebhookParams) error {
	body, err := io.ReadAll(r.Body) // limited by the contract
	if err != nil {
		return httpapi.Unreadable(err)
	}
	signature := ""
	if params.StripeSignature != nil {
		signature = *params.StripeSignature
	}
	m, err := s.Verify(body, signature)
	if err == nil {
		err = s.Webhooks.Receive(r.Context(), m)
	}
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]bool{"received": true})
}

// GetPaymentProvider implements GET /api/v1/payment-provider.
func (s Server) GetPaymentProvider(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=300")
	return httpapi.WriteJSON(w, r, http.StatusOK, s.Provider)
}

// GetReconciliation implements GET /api/v1/admin/reconciliation.
func (s Server) GetReconciliation(w http.ResponseWriter, r *http.Request, params GetReconciliationParams) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	var id uuid.UUID
	if params.Run != nil {
		id = *params.Run
	}
	report, err := s.Reports.Report(r.Context(), id)
	missing := errors.Is(err, payment.ErrReconciliationNotFound)
	if err != nil && (!missing || id != uuid.Nil) { // that none has run yet is a report, too
		return err
	}
	asked := params.Format != nil && *params.Format == "csv"
	if asked || params.Format == nil && strings.Contains(r.Header.Get("Accept"), "text/csv") {
		return s.writeCSV(w, r, report)
	}
	return s.write(w, r, report)
}

// RunReconciliation implements POST /api/v1/admin/reconciliation/run.
func (s Server) RunReconciliation(w http.ResponseWriter, r *http.Request) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	var body RunReconciliationJSONRequestBody
	if r.ContentLength != 0 { // the contract has read it: it is known
		if err := httpapi.Decode(r, &body); err != nil {
			return err
		}
	}
	to := s.Now().UTC()
	if body.To != nil {
		to = *body.To
	}
	from := to.Add(-payment.Period)
	if body.From != nil {
		from = *body.From
	}
	if !from.Before(to) || to.Sub(from) > maxPeriod {
		return fault.New(fault.Invalid, "invalid_period", "The period must end after it begins and have at most 92 days.")
	}
	// It may take longer than the server's usual answer.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(runDeadline))
	report, err := s.Reconciler.Run(r.Context(), "request", from, to)
	if err != nil {
		return err
	}
	return s.write(w, r, report)
}

const maxOwing = 100

// ListOwingRefunds implements GET /api/v1/admin/reconciliation/refunds.
func (s Server) ListOwingRefunds(w http.ResponseWriter, r *http.Request) error {
	_, err := identity.Require(r.Context(), identity.Admin)
	var owing []payment.Refund
	if err == nil {
		owing, err = s.Refunds.Owing(r.Context(), maxOwing)
	}
	if err != nil {
		return err
	}
	items := make([]OwingRefund, 0, len(owing))
	for _, o := range owing {
		items = append(items, refundView(o))
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{"items": items})
}

func refundView(o payment.Refund) OwingRefund {
	v := OwingRefund{
		Refund: o.ID, Payment: o.Payment, Amount: o.Amount, Status: OwingRefundStatus(o.Status), Attempts: o.Attempt, Failure: o.Failure,
		RequestedAt: o.CreatedAt.UTC(), Resolution: given(o.Resolution),
	}
	if o.ResolvedAt != nil {
		v.ResolvedAt = utc(*o.ResolvedAt)
	}
	return v
}

// RetryRefund implements POST /api/v1/admin/reconciliation/refunds/{refund}/retry.
func (s Server) RetryRefund(w http.ResponseWriter, r *http.Request, id RefundId) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	return s.act(w, r, http.StatusAccepted, id, func(p payment.Payment, o payment.Refund) (payment.Change, error) { return p.Reopen(o, s.Now()) })
}

// ResolveRefund implements POST /api/v1/admin/reconciliation/refunds/{refund}/resolve.
func (s Server) ResolveRefund(w http.ResponseWriter, r *http.Request, id RefundId) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	body, err := httpapi.Body[ResolveRefundJSONRequestBody](r)
	if err != nil {
		return err
	}
	return s.act(w, r, http.StatusOK, id, func(p payment.Payment, o payment.Refund) (payment.Change, error) {
		return p.Resolve(o, body.How, s.Now())
	})
}

func (s Server) act(w http.ResponseWriter, r *http.Request, status int, id uuid.UUID, act func(payment.Payment, payment.Refund) (payment.Change, error)) error {
	o, err := s.Refunds.FindRefund(r.Context(), id)
	if err == nil {
		o, err = s.Service.ChangeRefund(r.Context(), o.Payment, id, act)
	}
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, status, refundView(o))
}

const (
	maxPeriod   = 92 * 24 * time.Hour
	runDeadline = 115 * time.Second
)

func (s Server) write(w http.ResponseWriter, r *http.Request, report payment.Reconciliation) error {
	balances, err := s.Reports.Balances(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpapi.WriteJSON(w, r, http.StatusOK, view(report, balances))
}

func view(report payment.Reconciliation, balances []payment.Balance) Reconciliation {
	out := Reconciliation{Status: ReconciliationStatusNone, Findings: make([]Finding, 0, len(report.Findings))}
	held := make([]Balance, 0, len(balances))
	for _, b := range balances {
		held = append(held, Balance{Account: BalanceAccount(b.Account), Currency: b.Currency, Amount: b.Amount})
	}
	out.Balances = &held
	if report.ID == uuid.Nil {
		return out
	}
	healed := 0
	for _, f := range report.Findings {
		out.Findings = append(out.Findings, finding(f))
		if f.Healed {
			healed++
		}
	}
	out.Status = ReconciliationStatusClean
	if healed < len(report.Findings) {
		out.Status = ReconciliationStatusFindings
	}
	if report.Failure != "" {
		out.Status, out.Failure = ReconciliationStatusFailed, &report.Failure
	}
	trigger := ReconciliationTrigger(report.Trigger)
	out.Id, out.Trigger, out.From, out.To = &report.ID, &trigger, utc(report.From), utc(report.To)
	out.StartedAt, out.FinishedAt, out.Healed = utc(report.StartedAt), utc(report.FinishedAt), &healed
	out.Checked = &struct {
		Bookings int `json:"bookings"`
		Intents  int `json:"intents"`
		Payments int `json:"payments"`
		Refunds  int `json:"refunds"`

		// RefundsNotAsked Refunds from before the period that the provider was not asked for, because one run asks for so many only. They are no findings: they may well be there
		RefundsNotAsked int `json:"refundsNotAsked"`
	}{report.Bookings, report.Intents, report.Payments, report.Refunds, report.NotQueried}
	return out
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

func finding(f payment.Finding) Finding {
	out := Finding{
		Kind: FindingKind(f.Kind), Payment: f.Payment, Booking: f.Booking, Refund: f.Refund, Expected: f.Expected, Actual: f.Actual,
		Detail: f.Detail, Healed: f.Healed, Intent: given(f.Intent), Currency: given(f.Currency), Failure: given(f.Failure),
	}
	if f.Remedy != payment.Report {
		remedy := FindingRemedy(f.Remedy)
		out.Remedy = &remedy
	}
	return out
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// writeCSV writes one line a finding (RFC 4180).
func (s Server) writeCSV(w http.ResponseWriter, r *http.Request, report payment.Reconciliation) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="reconciliation.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	lines := csv.NewWriter(w)
	lines.UseCRLF = true
	_ = lines.Write([]string{"kind", "payment", "booking", "refund", "intent", "expected", "actual", "currency", "remedy", "healed", "failure", "detail"})
	for _, f := range report.Findings {
		_ = lines.Write([]string{
			string(f.Kind), name(f.Payment), name(f.Booking), name(f.Refund), f.Intent, strconv.FormatInt(f.Expected, 10), strconv.FormatInt(f.Actual, 10),
			f.Currency, string(f.Remedy), strconv.FormatBool(f.Healed), f.Failure, f.Detail,
		})
	}
	lines.Flush() // an error means that the reader has gone
	return nil
}

func name(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
