package pdu

// Alert is an alert_notification: a subscriber can be reached again. It has no
// response. SMPP 3.4 §4.12.1
type Alert struct {
	Source Address // who can be reached
	ESME   Address // who asked for the alert
	TLVs   TLVs    // ms_availability_status
}

// Decode reads the body of an alert_notification; the fields are views of it.
func (a *Alert) Decode(body []byte) error {
	c := cursor{rest: body}
	a.Source = c.address("source_addr", dataAddressSize, RInvSrcAdr)
	a.ESME = c.address("esme_addr", dataAddressSize, RInvDstAdr)
	a.TLVs, _ = c.tlvs()
	return c.end()
}

// Append appends the alert_notification.
func (a *Alert) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, AlertNotification, ROK, sequence, 0)
	dst, err := a.Source.append(dst, "source_addr", dataAddressSize, RInvSrcAdr)
	if err == nil {
		dst, err = a.ESME.append(dst, "esme_addr", dataAddressSize, RInvDstAdr)
	}
	if err == nil {
		dst = append(dst, a.TLVs...)
	}
	return finish(dst, start, err)
}
