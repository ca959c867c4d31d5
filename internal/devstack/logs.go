package devstack

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"time"
)

// Tail returns the last n lines of a file.
func Tail(path string, n int) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	size := min(info.Size(), int64(n)*4096)
	raw := make([]byte, size)
	if _, err := file.ReadAt(raw, info.Size()-size); err != nil && err != io.EOF {
		return nil, err
	}
	lines := strings.Split(string(bytes.TrimRight(raw, "\n")), "\n")
	return lines[max(0, len(lines)-n):], nil
}

// Follow copies what is appended to a file until ctx ends.
func Follow(ctx context.Context, w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	for ctx.Err() == nil {
		n, err := io.Copy(w, file)
		if err != nil {
			return err
		}
		if n == 0 {
			time.Sleep(200 * time.Millisecond)
		}
	}
	return nil
}
