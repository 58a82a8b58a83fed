package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"maskline/e164"
)

func TestLogIsRedacted(t *testing.T) {
	const digits = "447700900123"
	number := e164.MustParse(digits)
	for _, format := range []string{"json", "console"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			log, err := newLogger(&out, "debug", format)
			if err != nil {
				t.Fatal(err)
			}
			log = log.With(zap.String("with", "tel:+"+digits))
			log.Info("called "+digits,
				zap.String("text", "from <sip:+"+digits+"@h> to \"x\""),
				zap.Error(errors.New("no route to "+digits)),
				zap.Any("any", map[string]any{"n": digits, "m": number}),
				zap.Reflect("number", number),
				zap.Stringer("stringer", number),
				zap.Strings("list", []string{digits}),
				zap.ByteString("bytes", []byte("\x01"+digits)),
				zap.Uint64("octets", 123456789),
			)
			log.Named("sub").Sugar().Errorf("failed for %s and %v", digits, number)
			text := out.String()
			if strings.Contains(text, "7700900") {
				t.Fatalf("a number is in the log: %s", text)
			}
			if strings.Count(text, "…23") < 10 {
				t.Fatalf("the log lost more than the numbers: %s", text)
			}
			if format != "json" {
				return
			}
			for line := range strings.Lines(text) {
				var entry map[string]any
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatalf("no JSON any more: %v in %s", err, line)
				}
				if octets, ok := entry["octets"]; ok && octets != 123456789.0 {
					t.Fatalf("a count was changed to %v", octets)
				}
			}
		})
	}
}

func TestRedactionKeepsJSONValid(t *testing.T) {
	for _, text := range []string{
		"\x07" + "1234567", "\u2028447700900123", `back\slash 447700900123 "quoted" \`, "\x001234567\n", "4477009\"00123",
	} {
		var out bytes.Buffer
		log, err := newLogger(&out, "info", "json")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("x", zap.String("text", text))
		var entry map[string]any
		if err := json.Unmarshal(out.Bytes(), &entry); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnknownLogLevel(t *testing.T) {
	if _, err := newLogger(&bytes.Buffer{}, "loud", "json"); err == nil {
		t.Fatal("an unknown level was accepted")
	}
}

// Durations and the ids of calls are no numbers: the redaction leaves them whole.
func TestLogKeepsDurations(t *testing.T) {
	want := map[time.Duration]string{
		0: "0s", 999: "999ns", 123456: "123.46µs", 255473661: "255.47ms", 1234567891: "1.23s",
		30*time.Minute + 123456789: "30m0.12s", -1234567891: "-1.23s",
	}
	for d, text := range want {
		var out bytes.Buffer
		log, err := newLogger(&out, "info", "json")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("x", zap.Duration("took", d))
		if !strings.Contains(out.String(), `"took":"`+text+`"`) {
			t.Errorf("%d ns: %s, want %s", d, out.String(), text)
		}
	}
}
