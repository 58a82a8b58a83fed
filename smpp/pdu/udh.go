package pdu

import (
	"encoding/binary"
	"iter"
)

// IEI identifies an element of a user data header. 3GPP TS 23.040 §9.2.3.24
type IEI byte

// The elements that the edge knows.
const (
	IEIConcatenation8  IEI = 0x00
	IEIPorts8          IEI = 0x04
	IEIPorts16         IEI = 0x05
	IEIConcatenation16 IEI = 0x08
	IEISingleShift     IEI = 0x24
	IEILockingShift    IEI = 0x25
	ieiToolkitFirst    IEI = 0x70
	ieiToolkitLast     IEI = 0x7F
)

// Toolkit reports whether the element is addressed to the SIM's toolkit
// security (3GPP TS 31.115): a command to the card, never a message to read.
func (i IEI) Toolkit() bool { return i >= ieiToolkitFirst && i <= ieiToolkitLast }

// forwarded is the allow-list: elements that carry no number and, where toolkit
// does not allow them, no command.
func (i IEI) forwarded(toolkit bool) bool {
	switch i {
	case IEIConcatenation8, IEIConcatenation16, IEIPorts8, IEIPorts16, IEISingleShift, IEILockingShift:
		return true
	default:
		return toolkit && i.Toolkit()
	}
}

// size is the length of the element's value, -1 where it may be any.
func (i IEI) size() int {
	switch i {
	case IEISingleShift, IEILockingShift:
		return 1
	case IEIPorts8:
		return 2
	case IEIConcatenation8:
		return 3
	case IEIConcatenation16, IEIPorts16:
		return 4
	default:
		return -1
	}
}

// UDH is the elements of a user data header, without the octet that counts
// them, as checked by SplitUDH.
type UDH []byte

// SplitUDH divides the payload of a message with ESMUDHI into header and text.
func SplitUDH(payload []byte) (UDH, []byte, error) {
	if len(payload) == 0 || int(payload[0]) > len(payload)-1 {
		return nil, nil, &Fault{"user data header", RInvMsgLen}
	}
	end := 1 + int(payload[0])
	header := UDH(payload[1:end:end])
	if err := header.check(); err != nil {
		return nil, nil, err
	}
	return header, payload[end:], nil
}

func (u UDH) check() error {
	for rest := u; len(rest) > 0; {
		if len(rest) < 2 || int(rest[1]) > len(rest)-2 {
			return &Fault{"user data header", RInvMsgLen}
		}
		id, end := IEI(rest[0]), 2+int(rest[1])
		if size := id.size(); size >= 0 && size != end-2 {
			return &Fault{"user data header", RInvMsgLen}
		}
		if c, ok := concatenation(id, rest[2:end]); ok && (c.Part == 0 || c.Part > c.Total) {
			return &Fault{"user data header", RInvEsmClass}
		}
		rest = rest[end:]
	}
	return nil
}

// All yields each element; the values are views.
func (u UDH) All() iter.Seq2[IEI, []byte] {
	return func(yield func(IEI, []byte) bool) {
		for rest := u; len(rest) >= 2; {
			end := 2 + int(rest[1])
			if !yield(IEI(rest[0]), rest[2:end:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// Concatenation is a segment's place in a long message.
type Concatenation struct {
	Reference   uint16
	Total, Part byte
}

func concatenation(id IEI, value []byte) (Concatenation, bool) {
	switch {
	case id == IEIConcatenation8 && len(value) == 3:
		return Concatenation{uint16(value[0]), value[1], value[2]}, true
	case id == IEIConcatenation16 && len(value) == 4:
		return Concatenation{binary.BigEndian.Uint16(value), value[2], value[3]}, true
	default:
		return Concatenation{}, false
	}
}

// Concatenation finds the segment's place; false where the message is whole.
func (u UDH) Concatenation() (Concatenation, bool) {
	for id, value := range u.All() {
		if c, ok := concatenation(id, value); ok {
			return c, true
		}
	}
	return Concatenation{}, false
}

// Toolkit reports whether any element is for the SIM's toolkit.
func (u UDH) Toolkit() bool {
	for id := range u.All() {
		if id.Toolkit() {
			return true
		}
	}
	return false
}

// AppendForwarded appends a header with its leading count that holds only the
// elements which may leave towards another party: concatenation, ports,
// national shift tables and, where toolkit is set, those for the SIM's toolkit.
// Where none is left it appends nothing.
func (u UDH) AppendForwarded(dst []byte, toolkit bool) []byte {
	start := len(dst)
	dst = append(dst, 0)
	for id, value := range u.All() {
		if id.forwarded(toolkit) {
			dst = append(append(dst, byte(id), byte(len(value))), value...)
		}
	}
	if len(dst) == start+1 {
		return dst[:start]
	}
	dst[start] = byte(len(dst) - start - 1)
	return dst
}
