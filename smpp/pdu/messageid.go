package pdu

import (
	"math/big"
	"strconv"
)

// IDForm says how a carrier writes message ids in receipts, compared with its
// responses.
type IDForm byte

// The forms.
const (
	StandardIDs IDForm = iota // alike, but for case and leading zeros
	DecimalIDs                // receipts in decimal, responses in hexadecimal
	HexIDs                    // receipts in hexadecimal, responses in decimal
)

// AppendResponseID appends the normal form of an id in a response. The ids of
// a response and of its receipts have the same normal form.
func (f IDForm) AppendResponseID(dst, id []byte) []byte {
	if f == DecimalIDs {
		return appendFromHex(dst, id)
	}
	return appendPlain(dst, id)
}

// AppendReceiptID appends the normal form of an id in a receipt.
func (f IDForm) AppendReceiptID(dst, id []byte) []byte {
	if f == HexIDs {
		return appendFromHex(dst, id)
	}
	return appendPlain(dst, id)
}

// appendPlain drops leading zeros and case.
func appendPlain(dst, id []byte) []byte {
	for len(id) > 1 && id[0] == '0' {
		id = id[1:]
	}
	for _, c := range id {
		dst = append(dst, lower(c))
	}
	return dst
}

// appendFromHex appends a hexadecimal id in decimal; what is not hexadecimal
// stays as it is.
func appendFromHex(dst, id []byte) []byte {
	for len(id) > 1 && id[0] == '0' {
		id = id[1:]
	}
	const digits64 = 16
	var n uint64
	for _, c := range id {
		d, ok := hexDigit(c)
		if !ok {
			return appendPlain(dst, id)
		}
		n = n<<4 | uint64(d)
	}
	switch {
	case len(id) == 0 || len(id) >= messageIDSize:
		return appendPlain(dst, id)
	case len(id) > digits64:
		wide, _ := new(big.Int).SetString(string(id), 16)
		return wide.Append(dst, 10)
	default:
		return strconv.AppendUint(dst, n, 10)
	}
}

func hexDigit(c byte) (byte, bool) {
	switch c = lower(c); {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	default:
		return 0, false
	}
}
