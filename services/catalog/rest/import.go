package rest

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Bounds of one import: records, so that the report fits in memory, and time.
const (
	maxImport     = 20_000
	importTimeout = 5 * time.Minute
)

var errImportTooLong = fault.New(fault.TooLarge, "import_too_long", "The file has more than 20,000 records. Import the others in a second file.")

// ImportEvents implements POST /api/v1/events/import. Each record is stored as it is read; what
// was stored stays, whatever comes after it.
func (s Server) ImportEvents(w http.ResponseWriter, r *http.Request) error {
	merchant, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	// A large file takes longer than other requests may.
	rc := http.NewResponseController(w)
	if err := errors.Join(rc.SetReadDeadline(time.Now().Add(importTimeout)), rc.SetWriteDeadline(time.Now().Add(importTimeout))); err != nil {
		slog.DebugContext(r.Context(), "import deadline not moved", "error", err)
	}
	report := ImportReport{Results: []ImportResult{}}
	err = catalog.ReadImport(r.Body, func(rec catalog.Record) error {
		if len(report.Results) == maxImport {
			return errImportTooLong
		}
		return s.importRecord(r, merchant.ID, rec, &report)
	})
	if err != nil && len(report.Results) == 0 {
		return err
	}
	if err != nil {
		message := "The rest of the file could not be read."
		if f, ok := errors.AsType[*fault.Error](err); ok {
			message = f.Message
		} else if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			message = "A file has at most 32 MiB; send the rest in another."
		} else {
			slog.WarnContext(r.Context(), "import broke off", "error", err)
		}
		report.Error = &message
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, report)
}

// importRecord stores one record and notes what became of it. Only an outage ends the import.
func (s Server) importRecord(r *http.Request, merchant string, rec catalog.Record, report *ImportReport) error {
	result := ImportResult{Line: rec.Line}
	if name := rec.Event.Name; name != "" {
		result.Name = &name
	}
	err := rec.Err
	if err == nil {
		id, outcome, storeErr := s.Store.Import(r.Context(), merchant, rec.Imported, s.Now())
		err = storeErr
		result.Id, result.Status = &id, ImportResultStatus(outcome)
	}
	if f, refused := errors.AsType[*fault.Error](err); refused {
		result.Id, result.Status, result.Code, result.Detail = nil, Rejected, &f.Code, &f.Message
	} else if err != nil {
		return err
	}
	switch result.Status {
	case Created:
		report.Created++
	case Updated:
		report.Updated++
	case Unchanged:
		report.Unchanged++
	case Rejected:
		report.Rejected++
	}
	report.Results = append(report.Results, result)
	return nil
}
