package httpapi_test

import (
	"net/http"
	"testing"
)

func BenchmarkRouter(b *testing.B) {
	h := router(b, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	for b.Loop() {
		w := call(h, http.MethodPost, thing, `{"name":"a","quantity":1}`, "Authorization", "Bearer me")
		if w.Code != 201 {
			b.Fatal(w.Body)
		}
	}
}
