package database

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Due tells how many rows of a table are due by the time in a column, and how long the first of them has been. It is
// for the metrics of a leased queue (telemetry.ObserveQueue).
func Due(ctx context.Context, pool *pgxpool.Pool, table, column string) (size int, age time.Duration, err error) {
	due := pgx.Identifier{column}.Sanitize()
	var seconds float64
	err = pool.QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM now() - min(`+due+`)), 0)::float8 FROM `+
		pgx.Identifier{table}.Sanitize()+` WHERE `+due+` <= now()`).Scan(&size, &seconds)
	if err != nil {
		return 0, 0, fmt.Errorf("%s due: %w", table, err)
	}
	return size, time.Duration(seconds * float64(time.Second)), nil
}
