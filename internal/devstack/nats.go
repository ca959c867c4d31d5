package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/messages"
)

const natsVersion = "v2.11.8"

func (s *Stack) nats() Part {
	cfg := &s.Config
	var program string
	return Part{
		Name: "nats", Tier: Infrastructure, Ports: []int{cfg.Ports.NATS},
		Prepare: func(ctx context.Context, report func(Step)) (err error) {
			program, err = cfg.natsProgram(ctx, report)
			return err
		},
		Command: func() (*exec.Cmd, error) {
			return exec.Command(program, "--addr", host, "--port", strconv.Itoa(cfg.Ports.NATS), "--jetstream", "--store_dir", cfg.path("nats")), nil
		},
		Ready: func(ctx context.Context) error {
			_, err := exchange(ctx, cfg.Ports.NATS, nil, len("INFO "))
			return err
		},
		Settle: func(ctx context.Context) error { return createStreams(ctx, cfg.Ports.NATS) },
	}
}

// createStreams makes one stream per topic, which Dapr leaves to the operator. One each, since
// a durable consumer's name, the app-id, may be used once per stream. The four commands that
// this takes are spoken here: a client library would be more than they.
func createStreams(ctx context.Context, port int) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	const inbox = "_INBOX.foyer"
	fmt.Fprintf(conn, "CONNECT {\"verbose\":false}\r\nSUB %s 1\r\n", inbox)
	var topics []string
	for _, topic := range messages.Topics() {
		topics = append(topics, topic, topic+messages.Dead)
	}
	topics = append(topics, messages.BroadcastTopics()...)
	for _, topic := range topics {
		name := strings.ReplaceAll(topic, ".", "-")
		stream, err := json.Marshal(map[string]any{"name": name, "subjects": []string{topic}, "max_age": 24 * time.Hour, "storage": "file"})
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "PUB $JS.API.STREAM.CREATE.%s %s %d\r\n%s\r\n", name, inbox, len(stream), stream)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for answers := 0; answers < len(topics) && lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "{") {
			continue
		}
		answers++
		var answer struct {
			Error struct {
				Description string `json:"description"`
			} `json:"error"`
		}
		if err := json.Unmarshal(lines.Bytes(), &answer); err != nil {
			return err
		}
		if answer.Error.Description != "" {
			return errors.New("create stream: " + answer.Error.Description)
		}
	}
	return lines.Err()
}
