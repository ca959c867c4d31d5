package personaldata_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/personaldata"
)

// through hands calls to a router, as the sidecars do.
type through struct{ router *mux.Router }

func (t through) Invoke(ctx context.Context, _, method, path string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	t.router.ServeHTTP(w, r)
	return json.Unmarshal(w.Body.Bytes(), out)
}

// whole erases at once; stepwise erases one letter a call.
type whole struct {
	personaldata.Holder
	calls int
}

func (w *whole) Erase(context.Context, string, string) error {
	w.calls++
	return nil
}

type stepwise struct {
	whole
	cursors []string
}

func (s *stepwise) EraseStep(_ context.Context, _, _, cursor string) (string, error) {
	s.cursors = append(s.cursors, cursor)
	return map[string]string{"": "a", "a": "b"}[cursor], nil
}

func TestAnErasureGoesOnUntilItsLastStep(t *testing.T) {
	s, w := &stepwise{}, &whole{}
	for _, h := range []personaldata.Holder{s, w} {
		router := mux.NewRouter()
		personaldata.Mount(router, h)
		require.NoError(t, personaldata.NewRemote("x", through{router}).Erase(t.Context(), "anna", identity.NewTombstone()))
	}
	assert.Equal(t, []string{"", "a", "b"}, s.cursors)
	assert.Zero(t, s.calls)
	assert.Equal(t, 1, w.calls)
}
