package prefix

import (
	"errors"
	"math"
	"strconv"
	"time"

	"maskline/numberdb"
)

// columns is the header, in the order in which Export writes it. A file may have
// them in any order; the last two may be absent.
var columns = [...]string{"carrier", "prefix", "cost", "quality", "services", "valid_from"}

const (
	colCarrier = iota
	colPrefix
	colCost
	colQuality
	colServices
	colFrom
	required = colServices // columns before it must be there
)

const headerText = "carrier,prefix,cost,quality"

// Limits of an import.
const (
	MaxLine = 1 << 10   // octets of a line, without its end
	MaxRows = 5_000_000 // of one file, and of all carriers together
)

var (
	errCarrier  = errors.New("names a carrier that is not configured")
	errName     = errors.New("expected the name of a carrier")
	errCost     = errors.New("expected a cost from 0 to 1000000 with at most 6 decimals, such as 0.0042")
	errQuality  = errors.New("expected a whole number from 0 to 100, or nothing")
	errServices = errors.New("expected sms, voice or sms+voice, or nothing for both")
	errFrom     = errors.New("expected an RFC 3339 time from 1970 to 2105 in whole seconds, such as 2027-01-01T00:00:00Z, or nothing")
)

func parseCost(text string) (uint64, error) {
	cost, err := numberdb.ParseMillionths(text)
	if err != nil || cost > MaxCost {
		return 0, errCost
	}
	return uint64(cost), nil
}

// FormatCost writes a cost as a decimal number without final zeros.
func FormatCost(cost uint64) string { return numberdb.FormatMillionths(int64(cost)) }

func parseQuality(text string) (uint8, error) {
	if text == "" {
		return NoQuality, nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n > 100 || text[0] == '+' {
		return 0, errQuality
	}
	return uint8(n), nil
}

func parseServices(text string) (numberdb.Services, error) {
	if text == "" {
		return numberdb.SMS | numberdb.Voice, nil
	}
	s, err := numberdb.ParseServices(text)
	if err != nil {
		return 0, errServices
	}
	return s, nil
}

func parseFrom(text string) (uint32, error) {
	if text == "" {
		return 0, nil
	}
	var at time.Time
	// UnmarshalText is stricter about RFC 3339 than time.Parse.
	if at.UnmarshalText([]byte(text)) != nil || at.Nanosecond() != 0 || at.Unix() <= 0 || at.Unix() > math.MaxUint32 {
		return 0, errFrom
	}
	return uint32(at.Unix()), nil
}
