package load

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// Confirm enters a card at the payment simulator, as the form in the buyer's browser does.
func Confirm(ctx context.Context, s *devstack.Stack, intent string, form url.Values) error {
	address := fmt.Sprintf("http://127.0.0.1:%d/v1/payment_intents/%s/confirm", s.Config.Ports.StripeAPI, intent)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the card: %s", res.Status)
	}
	return nil
}
