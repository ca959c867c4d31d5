package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// appTokenHeader carries an app's token in the calls that its sidecar, or here the launcher, makes to
// it (https://docs.dapr.io/operations/security/app-api-token/). It is internal/daprclient's TokenHeader,
// spelled again: that package brings gRPC, whose compiling a first start would wait for.
const appTokenHeader = "dapr-api-token"

// ReindexRunning makes the search service of a running stack rebuild its index.
func ReindexRunning(ctx context.Context, cfg Config) error {
	secrets, err := ReadSecrets(cfg)
	if err != nil {
		return fmt.Errorf("no stack was started here: %w", err)
	}
	apps, err := LoadApps(cfg)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if app.ID == "search" {
			return Reindex(ctx, fmt.Sprintf("http://%s:%d", host, app.Port), secrets.AppAPIToken(app.ID))
		}
	}
	return errors.New("dapr.yaml has no search")
}

// Reindex makes the search service at base rebuild its index, and returns when queries use the new one. They
// use the old one until then.
func Reindex(ctx context.Context, base, token string) error {
	call := func(method, path string) (name string, err error) {
		req, err := http.NewRequestWithContext(ctx, method, base+path, nil)
		if err != nil {
			return "", err
		}
		req.Header.Set(appTokenHeader, token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		if res.StatusCode >= http.StatusMultipleChoices {
			return "", fmt.Errorf("search answers %s", res.Status)
		}
		var index struct {
			Name string `json:"name"`
		}
		err = json.NewDecoder(res.Body).Decode(&index)
		return index.Name, err
	}
	before, err := call(http.MethodPost, "/internal/index/rebuild")
	if err != nil {
		return err
	}
	for {
		now, err := call(http.MethodGet, "/internal/index")
		if err == nil && now != before {
			return nil
		}
		if ended := worker.Sleep(ctx, 200*time.Millisecond); ended != nil {
			return fmt.Errorf("the index is not yet built anew (%w); search goes on with it: %w", ended, err)
		}
	}
}
