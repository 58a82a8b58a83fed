package pdu

// Data is a data_sm. SMPP 3.4 §4.7.1
type Data struct {
	ServiceType         []byte
	Source, Destination Address
	ESMClass            byte
	RegisteredDelivery  byte
	DataCoding          byte
	TLVs                TLVs
}

// Decode reads the body of a data_sm; the fields are views of it.
func (d *Data) Decode(body []byte) error {
	c := cursor{rest: body}
	d.ServiceType = c.cString("service_type", serviceTypeSize, RInvSerTyp)
	d.Source = c.address("source_addr", dataAddressSize, RInvSrcAdr)
	d.Destination = c.address("destination_addr", dataAddressSize, RInvDstAdr)
	tail := c.octets("esm_class", 3)
	d.ESMClass, d.RegisteredDelivery, d.DataCoding = tail[0], tail[1], tail[2]
	d.TLVs, _ = c.tlvs()
	return c.end()
}

// Append appends the data_sm with status ROK.
func (d *Data) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, DataSM, ROK, sequence, 0)
	dst, err := appendCString(dst, d.ServiceType, "service_type", serviceTypeSize, RInvSerTyp)
	if err == nil {
		dst, err = d.Source.append(dst, "source_addr", dataAddressSize, RInvSrcAdr)
	}
	if err == nil {
		dst, err = d.Destination.append(dst, "destination_addr", dataAddressSize, RInvDstAdr)
	}
	if err == nil {
		dst = append(dst, d.ESMClass, d.RegisteredDelivery, d.DataCoding)
		dst = append(dst, d.TLVs...)
	}
	return finish(dst, start, err)
}
