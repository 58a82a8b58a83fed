package media

// looksLikeRTCP tells RTCP from RTP by its packet type, where both share a port:
// these are 64 to 95 as payload types, with the marker set. RFC 5761 §4.
func looksLikeRTCP(b []byte) bool { return len(b) > 1 && b[1] >= 192 && b[1] <= 223 }

// carriesRTCP reports whether a datagram at the port of RTP is the side's RTCP.
func (p *port) carriesRTCP(b []byte) bool {
	d := &p.session.sides[p.side]
	return d.mux && !d.datagrams && looksLikeRTCP(b)
}

// rtcpPort is the port by which the side is sent RTCP.
func (d *side) rtcpPort() *port {
	if d.mux {
		return &d.rtp
	}
	return &d.rtcp
}

// unlikeRTCP leaves out the types that could be RTCP: those are judged in user
// space.
func (p PayloadTypes) unlikeRTCP() PayloadTypes {
	p[1] &^= 1<<32 - 1
	return p
}
