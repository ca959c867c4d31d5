package load

import (
	"context"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// HTTP sends requests with little work of its own, so that on a small machine the server is
// measured and not the client. It keeps one connection a client open.
type HTTP struct{ client fasthttp.Client }

// NewHTTP is for so many clients.
func NewHTTP(clients int) *HTTP {
	return &HTTP{fasthttp.Client{
		MaxConnsPerHost: clients, MaxIdleConnDuration: time.Minute, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		NoDefaultUserAgentHeader: true, DisablePathNormalizing: true, MaxIdemponentCallAttempts: 1,
	}}
}

// Do makes one request with headers, names and values in turn. read, which may be nil, sees an
// answer that is valid only until it returns.
func (h *HTTP) Do(ctx context.Context, method, url, token string, body []byte, read func(status int, answer []byte) error, headers ...string) (outcome string, err error) {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.Header.SetMethod(method)
	req.SetRequestURI(url)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 1; i < len(headers); i += 2 {
		req.Header.Set(headers[i-1], headers[i])
	}
	if body != nil {
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(30 * time.Second)
	}
	deadline = deadline.Add(50 * time.Millisecond) // the context's end comes first and tells why
	if err := h.client.DoDeadline(req, res, deadline); err != nil {
		return "", err
	}
	if read != nil {
		if err := read(res.StatusCode(), res.Body()); err != nil {
			return "", err
		}
	}
	return strconv.Itoa(res.StatusCode()), nil
}

// Get is a Call that reads one address again and again.
func (h *HTTP) Get(url string) Call {
	return func(ctx context.Context, _, _ int) (string, error) {
		return h.Do(ctx, fasthttp.MethodGet, url, "", nil, nil)
	}
}
