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

// Draw lines up those who came before the opening by chance, so that anyone can check it:
//
//	commitment = SHA-256(seed)                        published before people come
//	entry i    = SHA-256(event id ":" account id)     published; everyone finds their own
//	digest     = SHA-256(… SHA-256(SHA-256("") entry 1) … entry n), raw bytes
//	key i      = HMAC-SHA-256(seed, digest || i as 8 bytes, big endian)
//	place      = rank of key i among all keys
//
// The seed is fixed before the entries are, and the entries before the seed is shown: neither
// the organiser nor any guest can choose the outcome alone.
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

// Held tells that the order is drawn and the seed public.
func (d Draw) Held() bool { return len(d.Digest) > 0 }

// Hold draws: from here on the seed may be shown.
func (d Draw) Hold(count int64, digest []byte, now time.Time) Draw {
	d.Count, d.Digest, d.HeldAt = count, digest, now
	return d
}

// EntryHash is what is published of somebody in a draw.
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

// Verify tells whether a published draw is what it says: the commitment is the seed's, and the
// entries give the digest.
func (d Draw) Verify(hashes [][sha256.Size]byte) bool {
	sum := sha256.Sum256(d.Seed)
	return bytes.Equal(sum[:], d.Commitment) && int64(len(hashes)) == d.Count && bytes.Equal(Digest(hashes), d.Digest)
}

// DrawOrder is a drawn order, both ways.
type DrawOrder struct {
	places   []int64 // by arrival
	arrivals []int64 // by place
}

// Deal computes the order. The zero draw deals nobody.
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

// Place gives the place of an arrival.
func (d *DrawOrder) Place(arrival int64) int64 {
	if arrival >= 1 && arrival <= int64(len(d.places)) {
		return d.places[arrival-1]
	}
	return arrival
}

// Arrival gives the arrival that has a place.
func (d *DrawOrder) Arrival(place int64) int64 {
	if place >= 1 && place <= int64(len(d.arrivals)) {
		return d.arrivals[place-1]
	}
	return place
}

// Drawn gives the published entries of a draw from an arrival on, and where the next ones start;
// 0: these were the last.
func (d *Service) Drawn(ctx context.Context, l Line, from int64, most int) (hashes [][sha256.Size]byte, next int64, err error) {
	first, _ := pageOf(from)
	all, err := entryHashes(ctx, d.Views.store, l.Event, first*PageSize, min(l.Draw.Count, from-1+int64(most)))
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

// Hex writes bytes for people to compare.
func Hex(b []byte) string { return hex.EncodeToString(b) }
