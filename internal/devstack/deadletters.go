package devstack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/foyer-tickets/foyer/internal/messages"
)

// DeadLetter is a message that its consumer could not handle.
type DeadLetter struct {
	Topic string // that it was meant for
	ID    string
	About string // whom it concerns: the id of a booking or event
	At    time.Time

	record *kgo.Record
}

// replayed is the consumer group whose offsets record which dead letters have been replayed.
const replayed = "foyer-dead-letters"

// deadLetterWait is the timeout for reading dead letters that are known to exist.
const deadLetterWait = 20 * time.Second

// DeadLetters lists the dead letters that have not been replayed, oldest first.
func DeadLetters(ctx context.Context, broker string, topics ...string) ([]DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, deadLetterWait)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	from, remaining, err := unread(ctx, kadm.NewClient(client), topics)
	if err != nil || len(from) == 0 {
		return nil, err
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumePartitions(from))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var letters []DeadLetter
	for len(remaining) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("dead letters: %w", err)
		}
		if errs := fetches.Errors(); len(errs) > 0 {
			return nil, fmt.Errorf("dead letters: %s: %w", errs[0].Topic, errs[0].Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			letters = append(letters, read(r))
			if part := fmt.Sprint(r.Topic, "/", r.Partition); r.Offset+1 >= remaining[part] {
				delete(remaining, part)
			}
		})
	}
	slices.SortFunc(letters, func(a, b DeadLetter) int { return a.At.Compare(b.At) })
	return letters, nil
}

// unread returns the range of offsets to read in each partition.
func unread(ctx context.Context, admin *kadm.Client, topics []string) (from map[string]map[int32]kgo.Offset, ends map[string]int64, err error) {
	dead := make([]string, len(topics))
	for i, t := range topics {
		dead[i] = t + messages.Dead
	}
	end, err := admin.ListEndOffsets(ctx, dead...)
	if err != nil {
		return nil, nil, fmt.Errorf("dead letters: %w", err)
	}
	start, err := admin.ListStartOffsets(ctx, dead...)
	if err != nil {
		return nil, nil, fmt.Errorf("dead letters: %w", err)
	}
	done, err := backoff.Retry(ctx, func() (kadm.OffsetResponses, error) {
		done, err := admin.FetchOffsets(ctx, replayed)
		if err != nil && !kerr.IsRetriable(err) {
			err = backoff.Permanent(err)
		}
		return done, err // a broker that never had a group makes its list of them first
	})
	if err != nil {
		return nil, nil, fmt.Errorf("dead letters: %w", err)
	}
	from, ends = map[string]map[int32]kgo.Offset{}, map[string]int64{}
	end.Each(func(o kadm.ListedOffset) {
		if o.Err != nil { // no letter has ever been there
			return
		}
		first := int64(0)
		if s, ok := start.Lookup(o.Topic, o.Partition); ok {
			first = s.Offset
		}
		if d, ok := done.Lookup(o.Topic, o.Partition); ok {
			first = max(first, d.At)
		}
		if first >= o.Offset {
			return
		}
		if from[o.Topic] == nil {
			from[o.Topic] = map[int32]kgo.Offset{}
		}
		from[o.Topic][o.Partition] = kgo.NewOffset().At(first)
		ends[fmt.Sprint(o.Topic, "/", o.Partition)] = o.Offset
	})
	return from, ends, nil
}

func read(r *kgo.Record) DeadLetter {
	var envelope struct {
		ID   string `json:"id"`
		Data struct {
			Booking string `json:"booking"`
			Event   string `json:"event"`
		} `json:"data"`
	}
	_ = json.Unmarshal(r.Value, &envelope) // what cannot be read is listed too
	return DeadLetter{
		Topic: strings.TrimSuffix(r.Topic, messages.Dead), ID: envelope.ID, About: cmp.Or(envelope.Data.Booking, envelope.Data.Event), At: r.Timestamp, record: r,
	}
}

// Replay publishes dead letters to their original topic, unchanged, and records that it did. Consumers compare
// versions and ids, so replaying a letter twice does no harm.
func Replay(ctx context.Context, broker string, letters []DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, deadLetterWait)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return err
	}
	defer client.Close()
	var offsets kadm.Offsets
	for _, l := range letters {
		again := &kgo.Record{Topic: l.Topic, Key: []byte(cmp.Or(l.About, l.ID)), Value: l.record.Value, Headers: l.record.Headers}
		if err := client.ProduceSync(ctx, again).FirstErr(); err != nil {
			return fmt.Errorf("replay to %s: %w", l.Topic, err)
		}
		offsets.AddOffset(l.record.Topic, l.record.Partition, l.record.Offset+1, -1)
	}
	done, err := kadm.NewClient(client).CommitOffsets(ctx, replayed, offsets)
	return errors.Join(err, done.Error())
}
