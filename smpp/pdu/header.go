package pdu

import "encoding/binary"

// HeaderLen is the length of a header in octets. SMPP 3.4 §3.2
const HeaderLen = 16

// MaxSequence is the highest sequence_number; 1 follows it. SMPP 3.4 §5.1.4
const MaxSequence = 0x7FFFFFFF

// Header is the fixed start of a PDU.
type Header struct {
	Length   uint32
	Command  Command
	Status   Status
	Sequence uint32
}

// ParseHeader reads the header of a frame of at least HeaderLen octets.
func ParseHeader(frame []byte) Header {
	_ = frame[HeaderLen-1]
	return Header{
		Length:   binary.BigEndian.Uint32(frame),
		Command:  Command(binary.BigEndian.Uint32(frame[4:])),
		Status:   Status(binary.BigEndian.Uint32(frame[8:])),
		Sequence: binary.BigEndian.Uint32(frame[12:]),
	}
}

// AppendHeader appends a PDU that is a header alone: unbind, enquire_link, their
// responses, generic_nack, and responses with a status other than ROK.
func AppendHeader(dst []byte, c Command, s Status, sequence uint32) []byte {
	return appendHeader(dst, c, s, sequence, HeaderLen)
}

func appendHeader(dst []byte, c Command, s Status, sequence uint32, length int) []byte {
	var h [HeaderLen]byte
	binary.BigEndian.PutUint32(h[:], uint32(length))
	binary.BigEndian.PutUint32(h[4:], uint32(c))
	binary.BigEndian.PutUint32(h[8:], uint32(s))
	binary.BigEndian.PutUint32(h[12:], sequence)
	return append(dst, h[:]...)
}

// finish writes the length of the PDU that begins at start, or takes it back
// where it has a fault.
func finish(dst []byte, start int, err error) ([]byte, error) {
	if err != nil {
		return dst[:start], err
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}

// CheckNoBody faults a body where the PDU is a header alone.
func CheckNoBody(body []byte) error {
	if len(body) > 0 {
		return &Fault{fieldCommandLength, RInvCmdLen}
	}
	return nil
}
