package pdu

import (
	"encoding/binary"
	"iter"
)

// The values of dest_flag. SMPP 3.4 §5.2.25
const (
	destinationNumber = 1
	destinationList   = 2
)

const (
	maxDestinations = 254 // SMPP 3.4 §5.2.24
	listNameSize    = 21  // SMPP 3.4 §5.2.27
)

// Multi is a submit_multi: a message to several destinations. The message's own
// Destination is not used. SMPP 3.4 §4.5.1
type Multi struct {
	Message
	Destinations Destinations
}

// Destinations is a checked run of dest_address(es) as on the wire, without
// their count. Only Decode and the Append functions below make one.
type Destinations []byte

// Destination is one of several: a number, or a distribution list at the SMSC.
type Destination struct {
	Address  Address
	ListName []byte // not nil: a list, and there is no address
}

// All yields each destination; the values are views.
func (d Destinations) All() iter.Seq[Destination] {
	return func(yield func(Destination) bool) {
		for c := (cursor{rest: d}); len(c.rest) > 0; {
			if !yield(c.destination()) {
				return
			}
		}
	}
}

// Len counts them.
func (d Destinations) Len() (n int) {
	for range d.All() {
		n++
	}
	return n
}

// AppendNumber appends a number. One that is too long is a fault when the PDU
// is encoded.
func (d Destinations) AppendNumber(a Address) Destinations {
	d = append(d, destinationNumber, a.TON, a.NPI)
	return append(append(d, a.Digits...), 0)
}

// AppendList appends the name of a distribution list.
func (d Destinations) AppendList(name []byte) Destinations {
	return append(append(append(d, destinationList), name...), 0)
}

func (c *cursor) destination() Destination {
	switch c.octets("dest_flag", 1)[0] {
	case destinationNumber:
		return Destination{Address: c.address("destination_addr", addressSize, RInvDstAdr)}
	case destinationList:
		return Destination{ListName: c.cString("dl_name", listNameSize, RInvDLName)}
	default:
		c.fail("dest_flag", RInvDestFlag)
		return Destination{}
	}
}

func (c *cursor) destinations() Destinations {
	count := int(c.octets("number_of_dests", 1)[0])
	if count == 0 || count > maxDestinations {
		c.fail("number_of_dests", RInvNumDests)
	}
	all := c.rest
	for range count {
		if c.fault != nil {
			return nil
		}
		c.destination()
	}
	end := len(all) - len(c.rest)
	return Destinations(all[:end:end])
}

// Decode reads the body of a submit_multi; the fields are views of it.
func (m *Multi) Decode(body []byte) error {
	c := cursor{rest: body}
	m.ServiceType = c.cString("service_type", serviceTypeSize, RInvSerTyp)
	m.Source = c.address("source_addr", addressSize, RInvSrcAdr)
	m.Destination = Address{}
	m.Destinations = c.destinations()
	m.decodeRest(&c)
	return c.end()
}

// Append appends the submit_multi with status ROK.
func (m *Multi) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, SubmitMulti, ROK, sequence, 0)
	dst, err := appendCString(dst, m.ServiceType, "service_type", serviceTypeSize, RInvSerTyp)
	if err == nil {
		dst, err = m.Source.append(dst, "source_addr", addressSize, RInvSrcAdr)
	}
	if err == nil {
		dst, err = m.Destinations.append(dst)
	}
	if err == nil {
		dst, err = m.appendRest(dst)
	}
	return finish(dst, start, err)
}

// append refuses what Decode would.
func (d Destinations) append(dst []byte) ([]byte, error) {
	c := cursor{rest: d}
	count := 0
	for ; len(c.rest) > 0; count++ {
		c.destination()
	}
	if c.fault == nil && (count == 0 || count > maxDestinations) {
		c.fail("number_of_dests", RInvNumDests)
	}
	if c.fault != nil {
		return dst, c.fault
	}
	return append(append(dst, byte(count)), d...), nil
}

// MultiResp is the response to a submit_multi. SMPP 3.4 §4.5.2
type MultiResp struct {
	MessageID    []byte
	Unsuccessful Unsuccessful
}

// Unsuccessful is a checked run of unsuccess_sme(s) as on the wire, without
// their count. Only Decode and Append make one.
type Unsuccessful []byte

// All yields each destination that was refused, and why; the values are views.
func (u Unsuccessful) All() iter.Seq2[Address, Status] {
	return func(yield func(Address, Status) bool) {
		for c := (cursor{rest: u}); len(c.rest) > 0; {
			if !yield(c.unsuccessful()) {
				return
			}
		}
	}
}

// Append appends one.
func (u Unsuccessful) Append(a Address, s Status) Unsuccessful {
	u = append(append(append(u, a.TON, a.NPI), a.Digits...), 0)
	return binary.BigEndian.AppendUint32(u, uint32(s))
}

func (c *cursor) unsuccessful() (Address, Status) {
	a := c.address("unsuccess_sme", addressSize, RInvDstAdr)
	return a, Status(binary.BigEndian.Uint32(c.octets("error_status_code", 4)))
}

// Decode reads the body of a submit_multi_resp. It may be empty where the
// status is not ROK.
func (r *MultiResp) Decode(status Status, body []byte) error {
	*r = MultiResp{}
	if len(body) == 0 && status != ROK {
		return nil
	}
	c := cursor{rest: body}
	r.MessageID = c.cString("message_id", messageIDSize, RInvMsgID)
	count := int(c.octets("no_unsuccess", 1)[0])
	all := c.rest
	for range count {
		c.unsuccessful()
	}
	end := len(all) - len(c.rest)
	r.Unsuccessful = Unsuccessful(all[:end:end])
	return c.end()
}

// Append appends the response. Where the status is not ROK it has no body.
func (r *MultiResp) Append(dst []byte, s Status, sequence uint32) ([]byte, error) {
	if s != ROK {
		return AppendHeader(dst, SubmitMultiResp, s, sequence), nil
	}
	start := len(dst)
	dst = appendHeader(dst, SubmitMultiResp, s, sequence, 0)
	dst, err := appendCString(dst, r.MessageID, "message_id", messageIDSize, RInvMsgID)
	c := cursor{rest: r.Unsuccessful}
	count := 0
	for ; len(c.rest) > 0; count++ {
		c.unsuccessful()
	}
	switch {
	case err != nil:
	case c.fault != nil:
		err = c.fault
	case count > 0xFF:
		err = &Fault{"no_unsuccess", RInvNumDests}
	default:
		dst = append(append(dst, byte(count)), r.Unsuccessful...)
	}
	return finish(dst, start, err)
}
