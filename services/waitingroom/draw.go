package waitingroom

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Draw orders the arrivals before the opening at random, in a way that anyone can verify:
//
//	commitment = SHA-256(seed)                        published before people join
//	entry i    = SHA-256(event id ":" account id)     published; everyone finds their own
//	digest     = SHA-256(… SHA-256(SHA-256("") entry 1) … entry n), raw bytes
//	key i      = HMAC-SHA-256(seed, digest || i as 8 bytes, big endian)
//	place      = rank of key i among all keys
//
// The seed is fixed before the entries, and the entries before the seed is published: neither the
// organiser nor an attendee can choose the outcome alone.
type Draw struct {
	Commitment  []byte
	CommittedAt time.Time
	Seed        []byte // secret until the draw is held
	Count       int64  // how many were drawn
	Digest      []byte // of their entries; set by the draw
	HeldAt      time.Time
}

// Commit fixes the seed.
func Commit(seed []byte, now time.Time) Draw {
	sum := sha256.Sum256(seed)
	return Draw{Commitment: sum[:], Seed: bytes.Clone(seed), CommittedAt: now}
}

// Held reports whether the order is drawn and the seed public.
func (d Draw) Held() bool { return len(d.Digest) > 0 }

// Hold draws the order. From now on the seed may be published.
func (d Draw) Hold(count int64, digest []byte, now time.Time) Draw {
	d.Count, d.Digest, d.HeldAt = count, digest, now
	return d
}

// EntryHash is what is published of an account in a draw.
func EntryHash(event uuid.UUID, account string) [sha256.Size]byte {
	return sha256.Sum256([]byte(event.String() + ":" + account))
}

// Digest chains entries in the order of arrival.
func Digest(hashes [][sha256.Size]byte) []byte {
	sum := sha256.Sum256(nil)
	for _, h := range hashes {
		sum = sha256.Sum256(append(sum[:], h[:]...))
	}
	return sum[:]
}

// Verify reports whether a published draw is consistent: the commitment is the seed's, and the entries
// give the digest.
func (d Draw) Verify(hashes [][sha256.Size]byte) bool {
	sum := sha256.Sum256(d.Seed)
	return bytes.Equal(sum[:], d.Commitment) && int64(len(hashes)) == d.Count && bytes.Equal(Digest(hashes), d.Digest)
}

// DrawOrder maps arrivals to places and back.
type DrawOrder struct {
	places   []int64 // by arrival
	arrivals []int64 // by place
}

// Order computes the order. It is empty before the draw is held.
func (d Draw) Order() *DrawOrder {
	if !d.Held() {
		return &DrawOrder{}
	}
	type entry struct {
		key     [sha256.Size]byte
		arrival int64
	}
	entries := make([]entry, d.Count)
	mac := hmac.New(sha256.New, d.Seed)
	var number [8]byte
	for i := range entries {
		mac.Reset()
		mac.Write(d.Digest)
		binary.BigEndian.PutUint64(number[:], uint64(i+1))
		mac.Write(number[:])
		mac.Sum(entries[i].key[:0])
		entries[i].arrival = int64(i + 1)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.arrival, b.arrival))
	})
	order := &DrawOrder{places: make([]int64, d.Count), arrivals: make([]int64, d.Count)}
	for i, c := range entries {
		order.arrivals[i], order.places[c.arrival-1] = c.arrival, int64(i+1)
	}
	return order
}

// Place returns the place of an arrival. Arrivals after the draw keep their number.
func (d *DrawOrder) Place(arrival int64) int64 {
	if arrival >= 1 && arrival <= int64(len(d.places)) {
		return d.places[arrival-1]
	}
	return arrival
}

// Arrival returns the arrival that has a place.
func (d *DrawOrder) Arrival(place int64) int64 {
	if place >= 1 && place <= int64(len(d.arrivals)) {
		return d.arrivals[place-1]
	}
	return place
}

// Drawn returns the published entries of a draw from an arrival on, at most limit of them, and the
// arrival that the next ones start with; 0: these were the last.
func (svc *Service) Drawn(ctx context.Context, l Line, from int64, limit int) (hashes [][sha256.Size]byte, next int64, err error) {
	first, _ := pageOf(from)
	all, err := entryHashes(ctx, svc.Views.store, l.Event, first*PageSize, min(l.Draw.Count, from-1+int64(limit)))
	if err != nil {
		return nil, 0, err
	}
	if skip := from - 1 - first*PageSize; skip < int64(len(all)) {
		hashes = all[skip:]
	}
	if last := from - 1 + int64(len(hashes)); last < l.Draw.Count && len(hashes) > 0 {
		next = last + 1
	}
	return hashes, next, nil
}

// Hex encodes bytes for people to compare.
func Hex(b []byte) string { return hex.EncodeToString(b) }
