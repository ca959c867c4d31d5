package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/payment"
)

// storedFinding is a finding as it is in the column `findings`. Reports are kept for long: a field may
// be added, none may be renamed.
type storedFinding struct {
	Kind     payment.FindingKind `json:"kind"`
	Payment  *uuid.UUID          `json:"payment,omitempty"`
	Booking  *uuid.UUID          `json:"booking,omitempty"`
	Refund   *uuid.UUID          `json:"refund,omitempty"`
	Intent   string              `json:"intent,omitempty"`
	Expected int64               `json:"expected"`
	Actual   int64               `json:"actual"`
	Currency string              `json:"currency,omitempty"`
	Detail   string              `json:"detail"`
	Remedy   payment.Remedy      `json:"remedy,omitempty"`
	Healed   bool                `json:"healed"`
	Failure  string              `json:"failure,omitempty"`
}

func encodeFindings(all []payment.Finding) ([]byte, error) {
	stored := make([]storedFinding, len(all))
	for i, f := range all {
		stored[i] = storedFinding(f)
	}
	return json.Marshal(stored)
}

func decodeFindings(raw []byte) ([]payment.Finding, error) {
	var stored []storedFinding
	if err := json.Unmarshal(raw, &stored); err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	all := make([]payment.Finding, len(stored))
	for i, f := range stored {
		all[i] = payment.Finding(f)
	}
	return all, nil
}
