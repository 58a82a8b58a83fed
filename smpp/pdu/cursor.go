package pdu

import (
	"bytes"
	"encoding/binary"
)

// cursor reads a body field by field. After the first fault every read fails,
// so a decoder looks at it once, at its end.
type cursor struct {
	rest  []byte
	fault *Fault
}

func (c *cursor) fail(field string, status Status) {
	if c.fault == nil {
		c.fault = &Fault{field, status}
	}
	c.rest = nil
}

// cString reads a string of at most size octets with its terminating NUL.
// SMPP 3.4 §3.1: C-Octet String
func (c *cursor) cString(field string, size int, status Status) []byte {
	rest := c.rest
	if len(rest) > 0 && rest[0] == 0 { // most fields are empty
		c.rest = rest[1:]
		return rest[:0:0]
	}
	if i := bytes.IndexByte(rest[:min(size, len(rest))], 0); i >= 0 {
		c.rest = rest[i+1:]
		return rest[:i:i]
	}
	if len(c.rest) < size {
		status = RInvCmdLen // the body ends inside the field
	}
	c.fail(field, status)
	return nil
}

// octets reads n single octets, the first of which is field; after a fault
// they are zero.
func (c *cursor) octets(field string, n int) []byte {
	if len(c.rest) < n {
		c.fail(field, RInvCmdLen)
		return make([]byte, 8)[:n]
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

// timeString reads a C-Octet String that is empty or 16 characters long.
// SMPP 3.4 §7.1.1
func (c *cursor) timeString(field string, status Status) []byte {
	s := c.cString(field, timeLen+1, status)
	if len(s) != 0 && len(s) != timeLen {
		c.fail(field, status)
		return nil
	}
	return s
}

func (c *cursor) address(field string, size int, status Status) Address {
	head := c.octets(field, 2)
	return Address{head[0], head[1], c.cString(field, size, status)}
}

// tlvs takes the rest of the body as TLVs and reports whether one of them is a
// message_payload.
func (c *cursor) tlvs() (TLVs, bool) {
	all := c.rest
	payload := false
	for len(c.rest) > 0 {
		if len(c.rest) < tlvHeaderLen {
			c.fail("optional parameters", RInvOptParStream)
			return nil, false
		}
		length := int(binary.BigEndian.Uint16(c.rest[2:]))
		if length > len(c.rest)-tlvHeaderLen {
			c.fail("optional parameters", RInvParLen)
			return nil, false
		}
		payload = payload || Tag(binary.BigEndian.Uint16(c.rest)) == TagMessagePayload
		c.rest = c.rest[tlvHeaderLen+length:]
	}
	return TLVs(all), payload
}

// end is the first fault, or that of octets left over.
func (c *cursor) end() error {
	if c.fault == nil && len(c.rest) > 0 {
		c.fail(fieldCommandLength, RInvCmdLen)
	}
	if c.fault != nil {
		return c.fault
	}
	return nil
}

// appendCString appends s and its NUL; it refuses what cString would.
func appendCString(dst, s []byte, field string, size int, status Status) ([]byte, error) {
	if len(s) >= size || bytes.IndexByte(s, 0) >= 0 {
		return dst, &Fault{field, status}
	}
	return append(append(dst, s...), 0), nil
}
