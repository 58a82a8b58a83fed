package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"maskline/e164"
)

// newLogger logs to w as "json" or "console", redacted.
func newLogger(w io.Writer, level, format string) (*zap.Logger, error) {
	at, err := zap.ParseAtomicLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	return newLoggerAt(w, at, format), nil
}

// newLoggerAt is newLogger with a level that can be changed.
func newLoggerAt(w io.Writer, at zap.AtomicLevel, format string) *zap.Logger {
	cfg := zap.NewProductionEncoderConfig()
	cfg.TimeKey = "time"
	cfg.EncodeTime = zapcore.ISO8601TimeEncoder
	cfg.EncodeDuration = encodeDuration
	var encoder zapcore.Encoder
	if format == "console" {
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(cfg)
	} else {
		encoder = zapcore.NewJSONEncoder(cfg)
	}
	core := zapcore.NewCore(&redactingEncoder{Encoder: encoder}, zapcore.Lock(zapcore.AddSync(w)), at)
	return zap.New(core, zap.ErrorOutput(zapcore.AddSync(io.Discard)))
}

// encodeDuration keeps two decimals: more digits would look like a number to the
// redaction, and tell nobody anything.
func encodeDuration(d time.Duration, to zapcore.PrimitiveArrayEncoder) {
	unit := time.Nanosecond
	for _, u := range []time.Duration{time.Microsecond, time.Millisecond, time.Second} {
		if d.Abs() >= u {
			unit = u / 100
		}
	}
	to.AppendString(d.Round(unit).String())
}

// redactingEncoder is the last line of defence: whatever text reaches the log,
// runs of seven and more digits in it are cut down to their last two. Fields
// that are numbers by type (counts, octets) pass.
type redactingEncoder struct {
	zapcore.Encoder
}

// Clone keeps the redaction on loggers made by With.
func (e *redactingEncoder) Clone() zapcore.Encoder {
	return &redactingEncoder{Encoder: e.Encoder.Clone()}
}

// EncodeEntry redacts the finished line.
func (e *redactingEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	line, err := e.Encoder.EncodeEntry(entry, fields)
	if err != nil {
		return nil, err
	}
	clean := redactLine(line.String())
	line.Reset()
	line.AppendString(clean)
	return line, nil
}

// redactLine redacts a whole console line, and of a JSON line the strings, so
// that its counts stay numbers.
func redactLine(line string) string {
	if !strings.HasPrefix(line, "{") {
		return e164.Redact(line)
	}
	var out strings.Builder
	out.Grow(len(line))
	quoted, from := false, 0
	flush := func(to int) {
		if quoted {
			out.WriteString(e164.Redact(line[from:to]))
		} else {
			out.WriteString(line[from:to])
		}
		from = to
	}
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			flush(i)
			quoted = !quoted
		case '\\':
			flush(i)
			i++ // an escape is no part of a number
			if i < len(line) && line[i] == 'u' {
				i += 4
			}
			end := min(i+1, len(line))
			out.WriteString(line[from:end])
			from = end
		}
	}
	flush(len(line))
	return out.String()
}
