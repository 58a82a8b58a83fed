package ledger

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A record begins with its format; numbers are varints, texts and addresses
// follow their length, times are microseconds since 1970 with 0 for none.
const (
	submissionV1 = 1
	receiptV1    = 2
	receiptV2    = 3 // with ErrorWord

	maxText = 255 // octets of a name, id or address
)

// Faults of a record.
var (
	ErrTooLong = errors.New("a name, id or address is longer than 255 octets")
	errRecord  = errors.New("a record of the ledger cannot be read")
)

func (s *Submission) fits() bool {
	return max(len(s.Carrier), len(s.RemoteID), len(s.Account), len(s.Source.Digits), len(s.Destination.Digits)) <= maxText
}

func (r *HeldReceipt) fits() bool {
	return max(len(r.Account), len(r.ErrorWord), len(r.Source.Digits), len(r.Destination.Digits)) <= maxText
}

func appendSubmission(dst []byte, s *Submission) []byte {
	final := byte(0)
	if s.Final {
		final = 1
	}
	dst = append(dst, submissionV1, s.Wants, final)
	dst = binary.AppendUvarint(dst, s.LocalID)
	dst = appendTime(dst, s.At)
	dst = appendText(dst, s.Carrier)
	dst = appendText(dst, s.RemoteID)
	dst = appendText(dst, s.Account)
	dst = appendAddress(dst, s.Source)
	return appendAddress(dst, s.Destination)
}

// readSubmission reads the first record of data and returns what follows it.
func readSubmission(data []byte) (s Submission, rest []byte, err error) {
	d := decoder{data: data}
	d.format(submissionV1)
	s.Wants, s.Final = d.octet(), d.octet() == 1
	s.LocalID = d.number()
	s.At = d.time()
	s.Carrier, s.RemoteID, s.Account = d.text(), d.text(), d.text()
	s.Source, s.Destination = d.address(), d.address()
	if d.bad {
		return Submission{}, nil, errRecord
	}
	return s, d.data, nil
}

func appendReceipt(dst []byte, r *HeldReceipt) []byte {
	dst = append(dst, receiptV2, r.State, r.NetworkType)
	dst = binary.BigEndian.AppendUint16(dst, r.ErrorCode)
	dst = binary.AppendUvarint(dst, r.LocalID)
	dst = appendTime(dst, r.Submitted)
	dst = appendTime(dst, r.Done)
	dst = appendTime(dst, r.Held)
	dst = appendText(dst, r.Account)
	dst = appendText(dst, r.ErrorWord)
	dst = appendAddress(dst, r.Source)
	return appendAddress(dst, r.Destination)
}

// readReceipt reads a record that fills data; the id is not part of it.
func readReceipt(data []byte) (r HeldReceipt, err error) {
	d := decoder{data: data}
	version := d.format(receiptV1, receiptV2)
	r.State, r.NetworkType = d.octet(), d.octet()
	r.ErrorCode = uint16(d.octet())<<8 | uint16(d.octet())
	r.LocalID = d.number()
	r.Submitted, r.Done, r.Held = d.time(), d.time(), d.time()
	r.Account = d.text()
	if version == receiptV2 {
		r.ErrorWord = d.text()
	}
	r.Source, r.Destination = d.address(), d.address()
	if d.bad || len(d.data) > 0 {
		return HeldReceipt{}, errRecord
	}
	return r, nil
}

func appendText(dst []byte, s string) []byte { return append(append(dst, byte(len(s))), s...) }

func appendAddress(dst []byte, a Address) []byte {
	return appendText(append(dst, a.TON, a.NPI), a.Digits)
}

func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(dst, 0)
	}
	return binary.AppendVarint(dst, t.UnixMicro())
}

// decoder reads fields one after another; after a fault all are zero.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.data) {
		d.bad, d.data = true, nil
		return nil
	}
	taken := d.data[:n]
	d.data = d.data[n:]
	return taken
}

func (d *decoder) octet() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// format reads which of the known formats follows.
func (d *decoder) format(known ...byte) byte {
	got := d.octet()
	if !slices.Contains(known, got) {
		d.bad, d.data = true, nil
	}
	return got
}

func (d *decoder) number() uint64 {
	value, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[n:]
	return value
}

func (d *decoder) time() time.Time {
	micros, n := binary.Varint(d.data)
	if n <= 0 {
		d.bad, d.data = true, nil
		return time.Time{}
	}
	d.data = d.data[n:]
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}

func (d *decoder) text() string { return string(d.take(int(d.octet()))) }

func (d *decoder) address() Address {
	return Address{TON: d.octet(), NPI: d.octet(), Digits: d.text()}
}
