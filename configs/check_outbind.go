package configs

// outbind checks a bind that waits for its SMSC.
func (c *checker) outbind(b *Bind, path string) {
	o, at := &b.Outbind, under(path, "outbind")
	if !o.Enabled {
		if o.SystemID != "" || o.Password != (Secret{}) {
			c.fault(under(at, "enabled"), "is false, so the other keys of outbind would do nothing; expected true",
				under(at, "system_id"), under(at, "password"))
		}
		return
	}
	if o.SystemID == "" {
		c.fault(under(at, "system_id"), "is missing; expected what the SMSC shows in its outbind")
	}
	if len(o.Allow) == 0 {
		c.fault(under(at, "allow"), "is missing, and the host of addr is a name; expected the networks that the SMSC comes from", under(path, "addr"))
	}
	if b.Bind == Transmitter {
		c.fault(under(path, "bind"), "is transmitter, but an outbind asks us to receive; expected receiver or transceiver")
	}
	if len(c.SMPP.Listen) == 0 {
		c.fault(under(at, "enabled"), "waits for connections that nobody takes; expected an entry in smpp.listen", "smpp.listen")
	}
}
