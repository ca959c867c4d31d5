#!/bin/bash
# Buys two tickets from outside, as a browser would, and gives one back:
# hold, booking, card, tickets, mail, refund. Needs a running platform (make up), curl and jq.
set -euo pipefail
gateway=${FOYER_PUBLIC_URL:-http://localhost:${FOYER_PORT:-8080}}
keycloak=${KEYCLOAK_URL:-http://localhost:${FOYER_KEYCLOAK_HTTP_PORT:-8083}} # itself: 8081 is for people
stripe=${STRIPE_API_BASE:-http://127.0.0.1:${FOYER_STRIPESIM_PORT:-12111}}
mailpit=${MAILPIT_URL:-http://localhost:${FOYER_MAILPIT_PORT:-8025}}
user=${FOYER_USER:-customer@foyer.test}
card=${FOYER_CARD:-pm_card_visa} # pm_card_chargeDeclined is refused, see cmd/stripesim/README.md

say() { printf '\n== %s\n' "$*"; }
token=$(curl -fsS "$keycloak/realms/foyer/protocol/openid-connect/token" -d grant_type=password -d client_id=foyer-cli -d scope=openid \
  -d "username=$user" -d password=foyer-local | jq -r .access_token)
call() { # METHOD PATH [BODY] [HEADER…]
  curl -sS --fail-with-body -X "$1" "$gateway$2" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' ${3:+-d "$3"} "${@:4}"
}

event=${1:-$(curl -fsS "$gateway/api/v1/events?limit=100" | jq -r '[.items[] | select(.highDemand | not) | select(.salesStart < (now | todate)) | select(.ticketTypes[0].capacity > 20)][0].id')}
say "what is on sale"
curl -fsS "$gateway/api/v1/events/$event" | jq '{id, name, ticketTypes, availability}'

say "hold the two best places"
type=$(curl -fsS "$gateway/api/v1/events/$event" | jq -r '.ticketTypes[0].id')
hold=$(call POST "/api/v1/events/$event/holds" "{\"items\":[{\"ticketType\":\"$type\",\"quantity\":2}]}" -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)")
jq '{id, expiresAt, total, units: [.units[].label]}' <<<"$hold"

say "make a booking of it, and wait until it can be paid"
booking=$(call POST /api/v1/bookings "{\"hold\":\"$(jq -r .id <<<"$hold")\"}" -H 'Prefer: wait=10')
id=$(jq -r .id <<<"$booking")
jq '{id, status, total, intent: .payment.intent}' <<<"$booking"

say "pay by card"
curl -sS "$stripe/v1/payment_intents/$(jq -r .payment.intent <<<"$booking")/confirm" -d "key=$(jq -r .payment.publishableKey <<<"$booking")" \
  -d "client_secret=$(jq -r .payment.clientSecret <<<"$booking")" -d "payment_method=$card" | jq '{status, error: .error.decline_code}'

until_status() { # STATUS: polls the booking
  for _ in $(seq 100); do
    booking=$(call GET "/api/v1/bookings/$id")
    [ "$(jq -r .status <<<"$booking")" = "$1" ] && return
    sleep 0.2
  done
  echo "not $1: $(jq -c '{status, reason}' <<<"$booking")" >&2
  exit 1
}
say "tickets"
until_status confirmed
jq '{status, tickets}' <<<"$booking"
ticket=$(jq -r '.tickets[0].id' <<<"$booking")
files=$(mktemp -d)
trap 'rm -r "$files"' EXIT
call GET "/api/v1/tickets/$ticket.pdf" "" -o "$files/ticket.pdf"
call GET "/api/v1/tickets/$ticket.ics" "" -o "$files/ticket.ics"
head -c 8 "$files/ticket.pdf"
head -3 "$files/ticket.ics"

say "the mail"
for _ in $(seq 100); do
  mail=$(curl -fsS "$mailpit/api/v1/messages?limit=50" | jq -c --arg to "$user" '[.messages[] | select(.To[0].Address == $to)][0] | {Subject, To: .To[0].Address}')
  [ "$mail" != '{"Subject":null,"To":null}' ] && break
  sleep 0.2
done
echo "$mail"

say "give one back"
call POST "/api/v1/bookings/$id/refunds" "{\"units\":[$(jq '.units[1].unit' <<<"$booking")],\"reason\":\"requested\"}" | jq '{id, units, amount, status}'
for _ in $(seq 100); do
  booking=$(call GET "/api/v1/bookings/$id")
  [ "$(jq -r '.refunds[-1].status' <<<"$booking")" = succeeded ] && break
  sleep 0.2
done
jq '{status, units: [.units[] | {"label": .label, released}], refunds}' <<<"$booking"
