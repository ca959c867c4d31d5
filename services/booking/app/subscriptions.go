package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// paymentNotice gives the notice of a message. false: bookings do not act on it.
func paymentNotice(p messages.PaymentChanged) (saga.PaymentNotice, bool) {
	n := saga.PaymentNotice{
		Booking: p.Booking, Payment: booking.Payment{ID: p.Payment, Intent: p.Intent},
		Amount: money.Money{Amount: p.Amount, Currency: p.Currency}, Refund: p.Refund, Attempt: p.Attempt,
	}
	switch p.Kind {
	case messages.PaymentAuthorized:
		n.Status = saga.PaymentAuthorized
	case messages.PaymentVoided:
		n.Status = saga.PaymentVoided
	case messages.PaymentRefunded:
		n.Status = saga.PaymentRefunded
	case messages.PaymentRefundDelayed:
		n.Delayed = true
	case messages.PaymentRefundFailed:
		n.Failed = true
	default:
		return n, false
	}
	return n, true
}

// ConsumerSubscriptions are those of the booking-consumer.
func ConsumerSubscriptions(pool *saga.WorkerPool, eventChanged func(context.Context, uuid.UUID) error) []daprclient.Subscription {
	return []daprclient.Subscription{
		bookingRequests(messages.BookingRequests, pool),
		daprclient.SideBySide(messages.PaymentEvents, func(p messages.PaymentChanged) uuid.UUID { return p.Booking }, func(ctx context.Context, p messages.PaymentChanged) error {
			n, ok := paymentNotice(p)
			if !ok {
				return nil
			}
			return pool.Notice(ctx, n)
		}),
		daprclient.On(messages.PubSub, messages.CatalogChanges, func(ctx context.Context, c messages.CatalogChanged) error {
			return eventChanged(ctx, c.Event)
		}),
	}
}

// bookingRequests drives the bookings of a topic.
func bookingRequests(topic string, pool *saga.WorkerPool) daprclient.Subscription {
	return daprclient.SideBySide(topic, func(r messages.BookingRequested) uuid.UUID { return r.Booking }, func(ctx context.Context, r messages.BookingRequested) error {
		return pool.Drive(ctx, r.Booking)
	})
}

// Subscriptions are those of the booking service: seat changes of all replicas, and changes of events, which one
// replica gets and broadcasts to the others.
func Subscriptions(live *seatmap.Cache, client *daprclient.Client) []daprclient.Subscription {
	return []daprclient.Subscription{
		daprclient.On(messages.Broadcast, messages.SeatChanges, func(ctx context.Context, s messages.SeatsChanged) error {
			live.Apply(ctx, s.Event, seatmap.ReadChanges(s))
			return nil
		}),
		daprclient.On(messages.PubSub, messages.CatalogChanges, func(ctx context.Context, c messages.CatalogChanged) error {
			return client.Publish(ctx, messages.Broadcast, messages.SeatChanges, c.Event.String(), messages.SeatsChanged{Event: c.Event})
		}),
	}
}

// HighDemandSubscriptions are those of the highdemand-consumer: hold requests and bookings of high-demand events.
func HighDemandSubscriptions(d holdqueue.Decider, pool *saga.WorkerPool, client *daprclient.Client, announce func(event uuid.UUID, changes []booking.Change)) []daprclient.Subscription {
	return []daprclient.Subscription{
		holdqueue.Consumer{Decider: d, Client: client, Announce: announce}.Subscription(),
		bookingRequests(messages.BookingRequestsPriority, pool),
	}
}
