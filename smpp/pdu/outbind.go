package pdu

// OutbindRequest is an outbind: an SMSC asks an ESME to bind. It has no
// response. SMPP 3.4 §4.1.7
type OutbindRequest struct {
	SystemID []byte
	Password []byte
}

// Decode reads the body of an outbind; the fields are views of it.
func (o *OutbindRequest) Decode(body []byte) error {
	c := cursor{rest: body}
	o.SystemID = c.cString("system_id", systemIDSize, RInvSysID)
	o.Password = c.cString("password", passwordSize, RInvPaswd)
	return c.end()
}

// Append appends the outbind.
func (o *OutbindRequest) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, Outbind, ROK, sequence, 0)
	dst, err := appendCString(dst, o.SystemID, "system_id", systemIDSize, RInvSysID)
	if err == nil {
		dst, err = appendCString(dst, o.Password, "password", passwordSize, RInvPaswd)
	}
	return finish(dst, start, err)
}
