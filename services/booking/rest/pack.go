package rest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// part is a piece of an answer in each encoding, made so that a head and a tail go out one after
// the other without being compressed anew.
type part struct {
	plain   []byte
	deflate []byte // a head's ends at a byte's border, a tail's ends the stream
	zstd    []byte // a frame of its own
}

// windows are how far back the list of units is compared with itself. Its names differ from their
// neighbours in a digit; to point at what is far away costs more than the digit. Which is best
// depends on how long the names are, so each stretch of a list has its own.
var windows = []int{32, 64, 128, 1024, flate.MaxCustomWindowSize}

// A head is compressed once and may take its time.
var headEncoder, tailEncoder = encoder(zstd.SpeedBestCompression), encoder(zstd.SpeedDefault)

func encoder(level zstd.EncoderLevel) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // constant options
	}
	return e
}

func packHead(plain []byte) (part, error) {
	p := part{plain: plain, zstd: headEncoder.EncodeAll(plain, nil)}
	for stretch := range slices.Chunk(plain, 32<<10) {
		var best []byte
		for _, window := range windows {
			packed, err := deflate(stretch, (*flate.Writer).Flush, func(w io.Writer) (*flate.Writer, error) { return flate.NewWriterWindow(w, window) })
			if err != nil {
				return part{}, err
			}
			if best == nil || len(packed) < len(best) {
				best = packed
			}
		}
		p.deflate = append(p.deflate, best...)
	}
	return p, nil
}

func packTail(plain []byte) (part, error) {
	packed, err := deflate(plain, (*flate.Writer).Close, func(w io.Writer) (*flate.Writer, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return part{plain: plain, deflate: packed, zstd: tailEncoder.EncodeAll(plain, nil)}, err
}

func deflate(plain []byte, end func(*flate.Writer) error, open func(io.Writer) (*flate.Writer, error)) ([]byte, error) {
	var buf bytes.Buffer
	w, err := open(&buf)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := end(w); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// gzipped makes a gzip stream (RFC 1952) of a head and a tail.
func gzipped(head, tail part) [][]byte {
	sum := crc32.Update(crc32.ChecksumIEEE(head.plain), crc32.IEEETable, tail.plain)
	end := binary.LittleEndian.AppendUint32(nil, sum)
	end = binary.LittleEndian.AppendUint32(end, uint32(len(head.plain)+len(tail.plain))) //nolint:gosec // modulo 2^32 by the format
	return [][]byte{{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, head.deflate, tail.deflate, end}
}

// runs names units by what they count.
func runs(units []string) []UnitRun {
	all := []UnitRun{}
	for i := 0; i < len(units); {
		prefix, first, ok := number(units[i])
		count, step := 1, 1
		for ; ok && i+count < len(units); count++ {
			p, n, ok := number(units[i+count])
			if count == 1 {
				step = n - first
			}
			if !ok || p != prefix || step == 0 || n != first+count*step {
				break
			}
		}
		run := UnitRun{Prefix: units[i]}
		if count > 1 {
			run = UnitRun{Prefix: prefix, First: &first, Count: &count}
			if step != 1 {
				run.Step = &step
			}
		}
		all = append(all, run)
		i += count
	}
	return all
}

// number splits what counts from the end of a unit's name.
func number(unit string) (prefix string, n int, ok bool) {
	prefix = strings.TrimRight(unit, "0123456789")
	digits := unit[len(prefix):]
	n, err := strconv.Atoi(digits)
	return prefix, n, err == nil && strconv.Itoa(n) == digits
}
