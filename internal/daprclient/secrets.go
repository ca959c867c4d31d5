package daprclient

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/foyer-tickets/foyer/internal/messages"
)

// secretsWait bounds how long a starting process waits for its secrets, since the sidecar may start after it.
const secretsWait = 2 * time.Minute

// LoadSecrets fills string fields with a `secret:"name"` tag from Dapr's secret store, including those of
// nested structs. cfg is a pointer to a struct. It waits for the sidecar to answer, and fails at once if the
// app may not read a secret.
func (c *Client) LoadSecrets(ctx context.Context, cfg any) error {
	ctx, cancel := context.WithTimeout(ctx, secretsWait)
	defer cancel()
	return eachSecret(reflect.ValueOf(cfg).Elem(), func(name string, field reflect.Value) error {
		var last error
		value, err := backoff.Retry(ctx, func() (string, error) {
			value, err := c.Secret(ctx, messages.Secrets, name)
			if status.Code(err) == codes.PermissionDenied {
				err = backoff.Permanent(err)
			}
			return value, err
		}, backoff.WithMaxElapsedTime(0), backoff.WithBackOff(backoff.NewConstantBackOff(200*time.Millisecond)),
			backoff.WithNotify(func(err error, _ time.Duration) { last = err }))
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), last)
		}
		if err != nil {
			return fmt.Errorf("load secret %s: %w", name, err)
		}
		field.SetString(value)
		return nil
	})
}

func eachSecret(v reflect.Value, do func(name string, field reflect.Value) error) error {
	for i := range v.NumField() {
		field, of := v.Field(i), v.Type().Field(i)
		name, tagged := of.Tag.Lookup("secret")
		switch {
		case tagged && field.Kind() != reflect.String:
			return fmt.Errorf("secret %s: %s is not a string", name, of.Name)
		case tagged:
			if err := do(name, field); err != nil {
				return err
			}
		case field.Kind() == reflect.Struct:
			if err := eachSecret(field, do); err != nil {
				return err
			}
		}
	}
	return nil
}
