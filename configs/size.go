package configs

import (
	"strconv"
	"strings"
	"time"
)

// Size is a count of bytes.
type Size int64

const (
	maxSize     = 1 << 40
	maxDuration = 10 * 365 * 24 * time.Hour
)

type unit struct {
	name  string
	bytes int64
}

// sizeUnits are the units, largest first; the last is a plain count.
func sizeUnits() []unit {
	return []unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}
}

func parseSize(text string) (Size, error) {
	for _, u := range sizeUnits() {
		digits, found := strings.CutSuffix(text, u.name)
		n, err := parseInt(digits)
		switch {
		case !found || err != nil:
			continue
		case n < 0:
			return 0, wrong("is negative")
		case int64(n) > maxSize/u.bytes:
			return 0, wrong("is larger than 1024GiB")
		}
		return Size(int64(n) * u.bytes), nil
	}
	return 0, wrong("is not a size in bytes, KiB, MiB or GiB")
}

// String is the size in the largest unit that keeps it whole.
func (s Size) String() string {
	if s == 0 {
		return "0"
	}
	for _, u := range sizeUnits() {
		if int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return ""
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, wrong("is not a duration")
	case d < 0:
		return 0, wrong("is negative")
	case d > maxDuration:
		return 0, wrong("is longer than ten years")
	}
	return d, nil
}

// formatDuration is Go's form without its zero minutes and seconds: 30m, 1h.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	text := d.String()
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// parseInt reads a decimal without leading zeros, plus or underscores: other
// readers of YAML take those for octal numbers or text.
func parseInt(text string) (int, error) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || (len(digits) > 1 && digits[0] == '0') || !onlyDigits(digits) {
		return 0, wrong("is not a whole number")
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, wrong("is out of range")
	}
	return n, nil
}

func parseFloat(text string) (float64, error) {
	if strings.Trim(text, "-.0123456789") != "" {
		return 0, wrong("is not a number")
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, wrong("is not a number")
	}
	return f, nil
}

func onlyDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
