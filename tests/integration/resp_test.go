package integration

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// resp speaks as much of Redis's protocol as it takes to read what is stored.
type resp struct {
	conn net.Conn
	in   *bufio.Reader
}

func newRESP(conn net.Conn) *resp { return &resp{conn, bufio.NewReader(conn)} }

// do sends a command and gives its answer, flat.
func (r *resp) do(words ...string) ([]string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(r.conn, b.String()); err != nil {
		return nil, err
	}
	return r.read()
}

func (r *resp) read() ([]string, error) {
	line, err := r.in.ReadString('\n')
	if err != nil || len(line) < 3 {
		return nil, errors.Join(err, errors.New("short answer"))
	}
	text := strings.TrimRight(line[1:], "\r\n")
	switch line[0] {
	case '+', ':':
		return []string{text}, nil
	case '-':
		return nil, errors.New(text)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return nil, err
	}
	if line[0] == '$' {
		raw := make([]byte, n+2)
		_, err := io.ReadFull(r.in, raw)
		return []string{string(raw[:n])}, err
	}
	var all []string
	for range n {
		item, err := r.read()
		if err != nil {
			return nil, err
		}
		all = append(all, item...)
	}
	return all, nil
}
