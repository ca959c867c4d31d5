package cdc

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSnapshotSees(t *testing.T) {
	for _, test := range []struct {
		snapshot string
		xid      uint32
		want     bool
	}{
		{"10:10:", 9, true},
		{"10:10:", 10, false},
		{"10:10:", 11, false},
		{"10:15:10,12", 10, false},
		{"10:15:10,12", 11, true},
		{"10:15:10,12", 12, false},
		{"10:15:10,12", 14, true},
		{"10:15:10,12", 15, false},
		{"4294967290:4294967300:4294967290", 4294967290, false}, // across the end of 32 bits
		{"4294967290:4294967300:4294967290", 4294967295, true},
		{"4294967290:4294967300:4294967290,4294967298", 2, false},
		{"4294967290:4294967300:4294967290", 3, true},
		{"4294967290:4294967300:4294967290", 4, false},
		{"4294967300:4294967300:", 4294967295, true},
	} {
		s, err := parseSnapshot(test.snapshot)
		require.NoError(t, err)
		require.Equal(t, test.want, s.sees(test.xid), "%s %d", test.snapshot, test.xid)
	}
	require.False(t, snapshot{}.sees(3), "nothing is known yet")
	for _, text := range []string{"", "1:2", "x:2:", "1:x:", "1:2:x"} {
		_, err := parseSnapshot(text)
		require.Error(t, err, text)
	}
}
