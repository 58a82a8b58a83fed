// Package media relays the RTP and RTCP of calls between two sides, A and B,
// over UDP ports of its own. It knows nothing of SIP: who speaks, from where
// and in which payload types comes in through [Session.SetRemote].
//
// It guarantees:
//   - RTP leaves as it came, octet for octet. RTCP is built anew from what may
//     pass (rtcp.go): reports and BYE, with a CNAME of our own and nothing else.
//   - A packet is relayed only if it comes from the address that signalling
//     named, or from a configured prefix (latch.go). The port may be learned,
//     once. Strangers are counted, logged once per session, answered never.
//   - Nothing in the media ends a call; only silence does, after the answer.
//   - A released port rests before it serves another call (ports.go), and no
//     failure leaks one.
//
// It also speaks for itself: prompts and tones towards a side (player.go, all
// paced by the one goroutine of pacer.go), keys heard from one (dtmf.go). A side
// may have SRTP (secured.go): without a right tag its packets are worth nothing. A
// tap may hear both sides (tap.go), and write them to a file (wavfile.go); none does
// by itself.
//
// It may lose packets, as UDP does, and counts each one that it drops. For an
// RTP packet it starts no goroutine and allocates nothing; it waits for nothing but, for
// 0.2 ms at most, those that come with it (rhythm_linux.go).
//
// Start reading at relay.go, session.go and receive.go. What touches sockets is
// behind the two interfaces of backend.go; portable_linux.go implements them.
package media
