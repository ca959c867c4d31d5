package waitingroom

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func drawn(n int, seed byte) (Draw, [][sha256.Size]byte) {
	event := uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	var hashes [][sha256.Size]byte
	for i := range n {
		hashes = append(hashes, EntryHash(event, fmt.Sprint("account", i)))
	}
	d := Commit(bytes.Repeat([]byte{seed}, 32), noon)
	return d.Hold(int64(n), Digest(hashes), noon), hashes
}

func TestADrawIsAPermutationThatAnyoneCanCheck(t *testing.T) {
	d, hashes := drawn(1000, 1)
	require.True(t, d.Verify(hashes))
	order := d.Order()
	places := map[int64]bool{}
	for a := int64(1); a <= 1000; a++ {
		p := order.Place(a)
		require.False(t, places[p])
		places[p] = true
		require.Equal(t, a, order.Arrival(p))
	}
	require.Equal(t, int64(1001), order.Place(1001), "later arrivals follow, in order")
	require.Equal(t, int64(1001), order.Arrival(1001))
	require.Equal(t, order, d.Order(), "the same for everyone who computes it")

	other, _ := drawn(1000, 2)
	require.NotEqual(t, order.places, other.Order().places)
}

func TestTamperingShows(t *testing.T) {
	d, hashes := drawn(50, 1)
	swapped := slices.Clone(hashes)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	require.False(t, d.Verify(swapped))
	require.False(t, d.Verify(hashes[:49]))
	seed := d
	seed.Seed = bytes.Repeat([]byte{9}, 32)
	require.False(t, seed.Verify(hashes))
}

// TestADrawIsFair: everyone's mean place over many draws is the middle.
func TestADrawIsFair(t *testing.T) {
	const people, draws = 20, 250
	sum := make([]float64, people)
	for s := range draws {
		d, _ := drawn(people, byte(s))
		order := d.Order()
		for a := range people {
			sum[a] += float64(order.Place(int64(a + 1)))
		}
	}
	for a, s := range sum {
		require.InDelta(t, 10.5, s/draws, 1.6, "arrival %d", a+1) // more than four standard errors
	}
}
