package media

import "github.com/pion/rtcp"

// rewriteRTCP builds from a compound what may pass to the other side: the
// sender and receiver reports without their profile extensions, one SDES chunk with our CNAME for the sender, and BYE without a
// reason. Whatever else the compound holds (other SDES items, APP, XR,
// feedback, unknown types) ends here, and so does a compound that breaks
// RFC 3550 A.2. The content of SDES is never looked at.
func rewriteRTCP(b []byte, cname string) ([]byte, Drop) {
	if len(b) < 8 || len(b) > maxPacket {
		return nil, DropSize
	}
	var reports, byes []rtcp.Packet
	var sender uint32
	for first := true; len(b) > 0; first = false {
		h, body, rest, ok := splitRTCP(b)
		if !ok || first && (h.Padding || h.Type != rtcp.TypeSenderReport && h.Type != rtcp.TypeReceiverReport) {
			return nil, DropRTCP
		}
		p, ssrc, err := reportOrBye(h.Type, body)
		switch {
		case err != nil:
			return nil, DropRTCP
		case h.Type == rtcp.TypeGoodbye:
			byes = append(byes, p)
		case p != nil:
			reports = append(reports, p)
		}
		if first {
			sender = ssrc
		}
		b = rest
	}
	packets := append(reports, rtcp.NewCNAMESourceDescription(sender, cname))
	out, err := rtcp.Marshal(append(packets, byes...))
	if err != nil {
		return nil, DropRTCP
	}
	return out, Relayed
}

// splitRTCP cuts the first packet from a compound, without its padding, which
// only the last one may have. // RFC 3550 §6.4.1
func splitRTCP(b []byte) (h rtcp.Header, body, rest []byte, ok bool) {
	if err := h.Unmarshal(b); err != nil {
		return h, nil, nil, false
	}
	size := 4 * (int(h.Length) + 1)
	if size > len(b) || h.Padding && size != len(b) {
		return h, nil, nil, false
	}
	body, rest = b[:size], b[size:]
	if h.Padding {
		pad := int(body[size-1])
		if pad == 0 || pad%4 != 0 || pad > size-4 {
			return h, nil, nil, false
		}
		body = body[:size-pad]
	}
	return h, body, rest, true
}

// reportOrBye parses the kinds that may pass, reduced to what may pass of
// them. It returns nil for all others.
func reportOrBye(t rtcp.PacketType, body []byte) (p rtcp.Packet, ssrc uint32, err error) {
	switch t {
	case rtcp.TypeSenderReport:
		var sr rtcp.SenderReport
		err = sr.Unmarshal(body)
		sr.ProfileExtensions = nil
		return &sr, sr.SSRC, err
	case rtcp.TypeReceiverReport:
		var rr rtcp.ReceiverReport
		err = rr.Unmarshal(body)
		rr.ProfileExtensions = nil
		return &rr, rr.SSRC, err
	case rtcp.TypeGoodbye:
		var bye rtcp.Goodbye
		err = bye.Unmarshal(body)
		bye.Reason = ""
		return &bye, 0, err
	default:
		return nil, 0, nil
	}
}
