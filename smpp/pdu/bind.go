package pdu

// Lengths in octets, terminating NUL included. SMPP 3.4 §4.1.1
const (
	systemIDSize     = 16
	passwordSize     = 9
	systemTypeSize   = 13
	addressRangeSize = 41
)

// The values of interface_version. SMPP 3.4 §5.2.4
const (
	Version33 = 0x33
	Version34 = 0x34
	Version50 = 0x50
)

// Bind is a bind_receiver, bind_transmitter or bind_transceiver.
type Bind struct {
	SystemID         []byte
	Password         []byte
	SystemType       []byte
	InterfaceVersion byte
	AddrTON, AddrNPI byte
	AddressRange     []byte
}

// Decode reads the body of a bind; the fields are views of it.
func (b *Bind) Decode(body []byte) error {
	c := cursor{rest: body}
	b.SystemID = c.cString("system_id", systemIDSize, RInvSysID)
	b.Password = c.cString("password", passwordSize, RInvPaswd)
	b.SystemType = c.cString("system_type", systemTypeSize, RInvSysTyp)
	head := c.octets("interface_version", 3)
	b.InterfaceVersion, b.AddrTON, b.AddrNPI = head[0], head[1], head[2]
	b.AddressRange = c.cString("address_range", addressRangeSize, RBindFail)
	return c.end()
}

// Append appends the bind as a PDU of command c.
func (b *Bind) Append(dst []byte, c Command, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, c, ROK, sequence, 0)
	dst, err := appendCString(dst, b.SystemID, "system_id", systemIDSize, RInvSysID)
	if err == nil {
		dst, err = appendCString(dst, b.Password, "password", passwordSize, RInvPaswd)
	}
	if err == nil {
		dst, err = appendCString(dst, b.SystemType, "system_type", systemTypeSize, RInvSysTyp)
	}
	if err == nil {
		dst = append(dst, b.InterfaceVersion, b.AddrTON, b.AddrNPI)
		dst, err = appendCString(dst, b.AddressRange, "address_range", addressRangeSize, RBindFail)
	}
	return finish(dst, start, err)
}

// BindResp is the response to a bind. SMPP 3.4 §4.1.2
type BindResp struct {
	SystemID []byte
	TLVs     TLVs
}

// Decode reads the body of a bind's response. It may be empty where the status
// is not ROK.
func (r *BindResp) Decode(status Status, body []byte) error {
	*r = BindResp{}
	if len(body) == 0 && status != ROK {
		return nil
	}
	c := cursor{rest: body}
	r.SystemID = c.cString("system_id", systemIDSize, RInvSysID)
	r.TLVs, _ = c.tlvs()
	return c.end()
}

// Append appends the response to a bind of command c. Where the status is not
// ROK it has no body.
func (r *BindResp) Append(dst []byte, c Command, s Status, sequence uint32) ([]byte, error) {
	if s != ROK {
		return AppendHeader(dst, c.Response(), s, sequence), nil
	}
	start := len(dst)
	dst = appendHeader(dst, c.Response(), s, sequence, 0)
	dst, err := appendCString(dst, r.SystemID, "system_id", systemIDSize, RInvSysID)
	if err == nil {
		dst = append(dst, r.TLVs...)
	}
	return finish(dst, start, err)
}
