package integration

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	commonv1 "github.com/dapr/dapr/pkg/proto/common/v1"
	internals "github.com/dapr/dapr/pkg/proto/internals/v1"
	sentry "github.com/dapr/dapr/pkg/proto/sentry/v1"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// intruder calls a sidecar's internal port past its own sidecar.
type intruder struct {
	t *testing.T
	p *harness.Platform
}

// at gives a client for the internal port of an app's sidecar.
func (i intruder) at(app string, creds credentials.TransportCredentials) internals.ServiceInvocationClient {
	i.t.Helper()
	conn, err := grpc.NewClient(fmt.Sprintf("passthrough:///127.0.0.1:%d", i.p.Apps[app].InternalPort), grpc.WithTransportCredentials(creds))
	require.NoError(i.t, err)
	i.t.Cleanup(func() { _ = conn.Close() })
	return internals.NewServiceInvocationClient(conn)
}

func (i intruder) ctx() context.Context {
	ctx, cancel := context.WithTimeout(i.t.Context(), 10*time.Second)
	i.t.Cleanup(cancel)
	return ctx
}

// invocation is a call of an app's route, as sidecars send it to each other.
func invocation(method string, verb commonv1.HTTPExtension_Verb, body string) *internals.InternalInvokeRequest {
	return &internals.InternalInvokeRequest{
		Ver:      internals.APIVersion_V1,
		Metadata: map[string]*internals.ListStringValue{"content-type": {Values: []string{"application/json"}}},
		Message: &commonv1.InvokeRequest{
			Method: method, ContentType: "application/json", Data: &anypb.Any{Value: []byte(body)}, HttpExtension: &commonv1.HTTPExtension{Verb: verb},
		},
	}
}

func ofActor(method, body string) *internals.InternalInvokeRequest {
	call := invocation(method, commonv1.HTTPExtension_PUT, body)
	call.Actor = &internals.Actor{ActorType: "WaitingRoom", ActorId: uuid.NewString()}
	return call
}

// attacks are what somebody at the port of an app could want of it.
func attacks(app string) map[string]*internals.InternalInvokeRequest {
	id := uuid.NewString()
	notice := fmt.Sprintf(`{"id":%q,"topic":"notices","data":{"id":%q,"account":%q,"kind":"your_turn","at":"2030-01-01T00:00:00Z"}}`, id, id, id)
	all := map[string]*internals.InternalInvokeRequest{
		"a forged message": invocation("dapr/topics/pubsub/notices", commonv1.HTTPExtension_POST, notice),
		"subscriptions":    invocation("dapr/subscribe", commonv1.HTTPExtension_GET, ""),
		"metrics":          invocation("metrics", commonv1.HTTPExtension_GET, ""),
	}
	for what, call := range map[string]struct {
		app, method string
		verb        commonv1.HTTPExtension_Verb
	}{
		"an address":       {messages.Auth, "internal/accounts/" + id, commonv1.HTTPExtension_GET},
		"a booking's mail": {messages.Booking, "internal/bookings/" + id + "/mail", commonv1.HTTPExtension_GET},
		"a client secret":  {messages.Payment, "internal/intents", commonv1.HTTPExtension_POST},
		"a refund":         {messages.Payment, "internal/payments/" + id + "/refunds", commonv1.HTTPExtension_POST},
		"all events":       {messages.Catalog, "internal/events/ids", commonv1.HTTPExtension_GET},
		"the index":        {messages.Search, "internal/index/rebuild", commonv1.HTTPExtension_POST},
		"the job":          {messages.Payment, "job/reconcile", commonv1.HTTPExtension_POST},
	} {
		if call.app == app {
			all[what] = invocation(call.method, call.verb, "{}")
		}
	}
	return all
}

func TestInternalPortsWantACertificate(t *testing.T) {
	i := intruder{t, harness.Everything(t)}
	for name, creds := range map[string]credentials.TransportCredentials{
		"plain":                     insecure.NewCredentials(),
		"TLS without a certificate": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}), //nolint:gosec // an attacker does not care
		"one of our own making":     credentials.NewTLS(selfSigned(t, "spiffe://public/ns/default/booking-consumer")),
	} {
		for app := range i.p.Apps {
			client := i.at(app, creds)
			for what, call := range attacks(app) {
				_, err := client.CallLocal(i.ctx(), call)
				assert.Equal(t, codes.Unavailable, grpcstatus.Code(err), "%s at %s, %s: %v", what, app, name, err)
			}
			_, err := client.CallActor(i.ctx(), ofActor("seek", `{"accounts":["a"]}`))
			assert.Equal(t, codes.Unavailable, grpcstatus.Code(err), "an actor at %s, %s: %v", app, name, err)
			_, err = client.CallActorReminder(i.ctx(), &internals.Reminder{ActorType: "WaitingRoom", ActorId: uuid.NewString(), Name: "tick"})
			assert.Equal(t, codes.Unavailable, grpcstatus.Code(err), "a reminder at %s, %s: %v", app, name, err)
		}
	}
}

// Whoever has the identity of one app gets from the others what that app is for, and no more.
func TestACertificateOpensOnlyWhatItsAppMayCall(t *testing.T) {
	i := intruder{t, harness.Everything(t)}
	may := map[string][]string{ // by target, attack and caller
		messages.Auth + "/an address":          {messages.Notification},
		messages.Booking + "/a booking's mail": {messages.Notification},
		messages.Payment + "/a client secret":  {messages.BookingConsumer, messages.HighDemandConsumer},
		messages.Payment + "/a refund":         {messages.BookingConsumer, messages.HighDemandConsumer},
		messages.Catalog + "/all events":       {messages.Search},
	}
	for caller := range i.p.Apps {
		creds := credentials.NewTLS(i.identity(caller))
		for app := range i.p.Apps {
			client := i.at(app, creds)
			for what, call := range attacks(app) {
				res, err := client.CallLocal(i.ctx(), call)
				allowed := false
				for _, who := range may[app+"/"+what] {
					allowed = allowed || who == caller
				}
				if allowed {
					require.NoError(t, err, "%s at %s as %s", what, app, caller)
					assert.NotEqual(t, int32(http.StatusForbidden), res.GetStatus().GetCode(), "%s at %s as %s", what, app, caller)
					continue
				}
				assert.Equal(t, codes.PermissionDenied, grpcstatus.Code(err), "%s at %s as %s: %v %s", what, app, caller, err, res.GetMessage().GetData().GetValue())
			}
		}
		res, err := i.at(messages.WaitingRoom, creds).CallActor(i.ctx(), ofActor("seek", `{"accounts":["a"]}`))
		if err == nil {
			assert.Equal(t, int32(http.StatusForbidden), res.GetStatus().GetCode(), "an actor as %s: %s", caller, res.GetMessage().GetData().GetValue())
		}
	}
}

func TestSentrySignsOnlyForWhoProvesIt(t *testing.T) {
	i := intruder{t, harness.Everything(t)}
	for name, token := range map[string]string{"none": "", "nonsense": "x.y.z", "another app's": i.token(messages.Search)} {
		for _, validator := range []sentry.SignCertificateRequest_TokenValidator{
			sentry.SignCertificateRequest_UNKNOWN, sentry.SignCertificateRequest_INSECURE, sentry.SignCertificateRequest_JWKS, sentry.SignCertificateRequest_KUBERNETES,
		} {
			_, _, err := i.sign(messages.BookingConsumer, token, validator)
			assert.Contains(t, []codes.Code{codes.PermissionDenied, codes.InvalidArgument}, grpcstatus.Code(err), "%s by %s: %v", name, validator, err)
		}
	}
	_, _, err := i.sign(messages.BookingConsumer, i.token(messages.BookingConsumer), sentry.SignCertificateRequest_JWKS)
	require.NoError(t, err)
}

// What an app asks of its own sidecar is bound by the same rules.
func TestSidecarsGiveAnAppOnlyItsOwn(t *testing.T) {
	p := harness.Everything(t)
	ask := func(app, token, method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d%s", p.Apps[app].HTTPPort, path), bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		req.Header.Set(daprclient.TokenHeader, token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		var text bytes.Buffer
		_, err = text.ReadFrom(res.Body)
		require.NoError(t, err)
		return res.StatusCode, text.String()
	}
	id := uuid.NewString()
	for app := range p.Apps {
		own := p.Secrets.DaprAPIToken(app)
		for other := range p.Apps {
			code, text := ask(app, p.Secrets.DaprAPIToken(other), http.MethodGet, "/v1.0/metadata", "")
			if other == app {
				assert.Equal(t, http.StatusOK, code, app)
			} else {
				assert.Equal(t, http.StatusUnauthorized, code, "%s with the token of %s: %s", app, other, text)
			}
		}
		code, text := ask(app, p.Secrets.AppAPIToken(app), http.MethodGet, "/v1.0/metadata", "")
		assert.Equal(t, http.StatusUnauthorized, code, "%s with the token of the other direction: %s", app, text)

		code, text = ask(app, own, http.MethodGet, "/v1.0/invoke/auth/method/internal/accounts/"+id, "")
		if app == messages.Notification {
			assert.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, code, "it may ask: %s", text)
		} else if app != messages.Auth { // a call of oneself stays within
			assert.Equal(t, http.StatusForbidden, code, "%s asks for an address: %s", app, text)
		}
		if app != messages.BookingConsumer && app != messages.HighDemandConsumer && app != messages.Payment {
			code, text = ask(app, own, http.MethodPost, "/v1.0/invoke/payment/method/internal/payments/"+id+"/refunds", "{}")
			assert.Equal(t, http.StatusForbidden, code, "%s refunds: %s", app, text)
		}
		if app != messages.WaitingRoom {
			code, text = ask(app, own, http.MethodPut, "/v1.0/actors/WaitingRoom/"+id+"/method/seek", `{"accounts":["a"]}`)
			assert.GreaterOrEqual(t, code, 400, "%s calls an actor: %s", app, text)
		}
		if app != messages.BookingConsumer {
			code, _ = ask(app, own, http.MethodPost, "/v1.0/publish/pubsub/booking.events", "{}")
			assert.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, code, "%s publishes another's topic", app)
		}
		for _, secret := range []string{"dapr-database-url", "redis-password", "token-key"} {
			code, _ = ask(app, own, http.MethodGet, "/v1.0/secrets/secrets/"+secret, "")
			assert.Equal(t, http.StatusForbidden, code, "%s reads %s", app, secret)
		}
		if app != messages.Payment {
			code, _ = ask(app, own, http.MethodGet, "/v1.0/secrets/secrets/stripe-secret-key", "")
			assert.Equal(t, http.StatusForbidden, code, "%s reads Stripe's key", app)
		}
	}
}

// Each app takes calls from its own sidecar alone: of every route behind the token, and with the
// token of every other app.
func TestAppsWantTheTokenOfTheirOwnSidecar(t *testing.T) {
	p := harness.Everything(t)
	ask := func(app, token, method, path string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, p.ServiceURL(app)+path, bytes.NewReader([]byte("{}")))
		require.NoError(t, err)
		if token != "" {
			req.Header.Set(daprclient.TokenHeader, token)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	id := uuid.NewString()
	routes := map[string]map[string]string{ // by app: path and method
		messages.Auth:    {"/internal/accounts/" + id: http.MethodGet},
		messages.Catalog: {"/internal/events/" + id + "/sale": http.MethodGet, "/internal/events/" + id + "/terms": http.MethodGet, "/internal/events/documents": http.MethodPost, "/internal/events/versions": http.MethodPost, "/internal/events/ids": http.MethodGet},
		messages.Search:  {"/internal/index": http.MethodGet, "/internal/index/rebuild": http.MethodPost},
		messages.Booking: {"/internal/events/" + id + "/inventory": http.MethodGet, "/internal/bookings/" + id + "/mail": http.MethodGet, "/internal/reconciliation/bookings": http.MethodGet},
		messages.Payment: {"/internal/intents": http.MethodPost, "/internal/payments": http.MethodGet, "/internal/payments/" + id + "/capture": http.MethodPost, "/internal/payments/" + id + "/void": http.MethodPost, "/internal/payments/" + id + "/refunds": http.MethodPost, "/job/reconcile": http.MethodPost},
		messages.WaitingRoom: {
			"/dapr/config": http.MethodGet, "/actors/WaitingRoom/" + id: http.MethodDelete,
			"/actors/WaitingRoom/" + id + "/method/seek": http.MethodPut, "/actors/WaitingRoom/" + id + "/method/remind/tick": http.MethodPut,
		},
	}
	for app := range p.Apps {
		guarded := routes[app]
		if guarded == nil {
			guarded = map[string]string{}
		}
		for _, topic := range subscribed(t, p, app) {
			guarded[daprclient.SubscribePath], guarded[topic] = http.MethodGet, http.MethodPost
		}
		for path, method := range guarded {
			assert.Equal(t, http.StatusForbidden, ask(app, "", method, path), "%s%s without a token", app, path)
			assert.Equal(t, http.StatusForbidden, ask(app, p.Secrets.DaprAPIToken(app), method, path), "%s%s with the token of the other direction", app, path)
			for other := range p.Apps {
				if other != app {
					assert.Equal(t, http.StatusForbidden, ask(app, p.Secrets.AppAPIToken(other), method, path), "%s%s with the token of %s", app, path, other)
				}
			}
		}
	}
	assert.Equal(t, http.StatusForbidden, ask(messages.WaitingRoom, p.Secrets.AppAPIToken(messages.WaitingRoom), http.MethodPut, "/actors/WaitingRoom/"+id+"/method/seek"), "an actor takes calls of its own app")
}

// subscribed gives the routes that an app has its topics delivered to.
func subscribed(t *testing.T, p *harness.Platform, app string) (routes []string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.ServiceURL(app)+daprclient.SubscribePath, nil)
	require.NoError(t, err)
	req.Header.Set(daprclient.TokenHeader, p.Secrets.AppAPIToken(app))
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var list []struct {
		Route string `json:"route"`
	}
	if res.StatusCode == http.StatusOK {
		require.NoError(t, json.NewDecoder(res.Body).Decode(&list))
	}
	for _, s := range list {
		routes = append(routes, s.Route)
	}
	return routes
}

// token is what the stack gave an app's sidecar to prove with who it is.
func (i intruder) token(app string) string {
	raw, err := os.ReadFile(filepath.Join(i.p.Config.Data, "sentry", "tokens", app))
	require.NoError(i.t, err)
	return string(raw)
}

// sign asks Sentry for a certificate of an app.
func (i intruder) sign(app, token string, validator sentry.SignCertificateRequest_TokenValidator) ([]byte, *ecdsa.PrivateKey, error) {
	conn, err := grpc.NewClient(fmt.Sprintf("passthrough:///127.0.0.1:%d", i.p.Config.Ports.Sentry), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}))) //nolint:gosec // only to ask
	require.NoError(i.t, err)
	defer func() { _ = conn.Close() }()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(i.t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	require.NoError(i.t, err)
	res, err := sentry.NewCAClient(conn).SignCertificate(i.ctx(), &sentry.SignCertificateRequest{
		Id: app, Namespace: "default", Token: token, TokenValidator: validator,
		CertificateSigningRequest: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}),
	})
	return res.GetWorkloadCertificate(), key, err
}

// identity is an app's, as its sidecar has it.
func (i intruder) identity(app string) *tls.Config {
	chain, key, err := i.sign(app, i.token(app), sentry.SignCertificateRequest_JWKS)
	require.NoError(i.t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(i.t, err)
	cert, err := tls.X509KeyPair(chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.NoError(i.t, err)
	return &tls.Config{Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true} //nolint:gosec // whose port it is does not matter
}

// selfSigned is a certificate that says who it is for, signed by nobody.
func selfSigned(t *testing.T, id string) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	uri, err := url.Parse(id)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"dapr.io/sentry"}}, URIs: []*url.URL{uri},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, InsecureSkipVerify: true} //nolint:gosec // as above
}
