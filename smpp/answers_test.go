package smpp

import (
	"slices"
	"testing"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// Every refusal has its status towards an account and its code towards a
// carrier.
func TestRefusals(t *testing.T) {
	reply := Reply{Temporary: 0x64, Permanent: 0x65, Throttled: 0x58}
	want := map[refusal][2]pdu.Status{
		notRefused:     {0, 0},
		temporarily:    {0x08, 0x64},
		throttled:      {0x58, 0x58},
		overQuota:      {0x45, 0x65},
		badDestination: {0x0B, 0x65},
		badSource:      {0x0A, 0x65},
		badLength:      {0x01, 0x65},
		badESMClass:    {0x43, 0x65},
		badPriority:    {0x06, 0x65},
		badSchedule:    {0x61, 0x65},
		badValidity:    {0x62, 0x65},
		badDefaultID:   {0x63, 0x65},
		badParameter:   {0xC2, 0x65},
		notCarried:     {0x45, 0x65},
	}
	account, carrier := accountReplies(), carrierReplies(reply)
	for r := range refusals {
		w, ok := want[r]
		if !ok {
			t.Fatalf("refusal %d stands in no row", r)
		}
		if got := [2]pdu.Status{account.of(r), carrier.of(r)}; got != w {
			t.Errorf("refusal %d: %02x, want %02x", r, got, w)
		}
	}
}

func TestVerdicts(t *testing.T) {
	want := map[routing.Verdict]pdu.Status{
		routing.Forward:          pdu.ROK,
		routing.UnknownMask:      pdu.RInvDstAdr,
		routing.OutOfSession:     pdu.RInvDstAdr,
		routing.Ended:            pdu.RInvDstAdr,
		routing.ServiceOff:       pdu.RInvDstAdr,
		routing.NotAllowed:       pdu.RInvSrcAdr,
		routing.Loop:             pdu.RInvDstAdr,
		routing.EmergencyRefused: pdu.RInvDstAdr,
		routing.NoCarrier:        pdu.RSysErr,
		routing.Blocked:          pdu.RSubmitFail,
		routing.OptedOut:         pdu.RSubmitFail,
		routing.RuleRefused:      pdu.RSubmitFail,
		routing.OptOut:           pdu.ROK,
		routing.OptIn:            pdu.ROK,
		routing.Help:             pdu.ROK,
		routing.OptOutFull:       pdu.RSysErr,
		routing.FirstContact:     pdu.RSysErr,
		routing.SpendLimit:       pdu.RSysErr,
	}
	for _, v := range routing.Verdicts() {
		s, ok := want[v]
		if !ok {
			t.Fatalf("verdict %v stands in no row", v)
		}
		if got := refusalOf(v); got.status() != s || (got == temporarily) != v.Temporary() {
			t.Errorf("%v: %02x, want %02x", v, got.status(), s)
		}
	}
}

// Each status that go-smpp has a name for is in one class, so that none is
// classed by oversight.
func TestStatusClasses(t *testing.T) {
	classes := map[attempt][]pdu.Status{
		taken:     {0x00},
		final:     {0x01, 0x06, 0x0B, 0x43, 0x50, 0x51, 0x61, 0x62, 0x63, 0x65, 0x66},
		elsewhere: {0x07, 0x0A, 0x15, 0x48, 0x49, 0x53, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4},
		faulty:    {0x02, 0x03, 0x04, 0x05, 0x08, 0x0D, 0x0E, 0x0F, 0xFF},
		busy: {
			0x14, 0x45, 0x58, 0x64, 0xFE, // as the specification means them
			0x0C, 0x11, 0x13, 0x33, 0x34, 0x40, 0x42, 0x44, 0x54, 0x55, 0x67, // of other operations
			0x400, 0x4FF, 0x10, 0xFFFFFFFF, // unknown
		},
	}
	classed := map[pdu.Status]bool{}
	for class, statuses := range classes {
		for _, s := range statuses {
			classed[s] = true
			if got := attemptOf(s); got != class {
				t.Errorf("%02x: class %d, want %d", uint32(s), got, class)
			}
		}
	}
	n := newNames()
	for s := range pdu.Status(maxNamedStatus + 1) {
		if n.indexOfStatus(s) != otherStatus && !classed[s] {
			t.Errorf("%02x is in no class", uint32(s))
		}
	}
}

// What a downstream refuses for good reaches the upstream as a refusal.
func TestDefiniteRefusalsStayDefinite(t *testing.T) {
	for s := range pdu.Status(maxNamedStatus + 1) {
		if c := attemptOf(s); c != final && c != elsewhere {
			continue
		}
		if r := refusalByStatus(s); r == temporarily || r == throttled || r == notRefused {
			t.Errorf("%02x becomes %d", uint32(s), r)
		}
	}
}

func TestNames(t *testing.T) {
	n := newNames()
	for s, want := range map[pdu.Status]string{
		pdu.ROK: "OK", pdu.RThrottled: "throttling error", pdu.RSysErr: "system error",
		0x10: "other", 0x4FF: "other", 0xFFFFFFFF: "other",
	} {
		if got := n.status(s); got != want {
			t.Errorf("%02x: %q, want %q", uint32(s), got, want)
		}
	}
	commands := map[pdu.Command]string{
		pdu.BindReceiver: "bind_receiver", pdu.BindTransmitter: "bind_transmitter", pdu.BindTransceiver: "bind_transceiver",
		pdu.SubmitSM: "submit_sm", pdu.DeliverSM: "deliver_sm", pdu.DataSM: "data_sm", pdu.Unbind: "unbind",
		pdu.EnquireLink: "enquire_link", pdu.GenericNack: "generic_nack", pdu.AlertNotification: "alert_notification",
		pdu.QuerySM: "query_sm", pdu.CancelSM: "cancel_sm", pdu.ReplaceSM: "replace_sm", pdu.SubmitMulti: "submit_multi",
		pdu.BroadcastSM: "broadcast_sm", pdu.QueryBroadcastSM: "query_broadcast_sm", pdu.CancelBroadcastSM: "cancel_broadcast_sm",
		pdu.Outbind: "outbind", pdu.Outbind.Response(): "other", 0xFFFFFFFF: "other",
	}
	var seen []int
	for c, want := range commands {
		if got := commandName(commandIndex(c)); got != want {
			t.Errorf("%08x: %q, want %q", uint32(c), got, want)
		}
		if want == "other" || c == pdu.GenericNack || c == pdu.AlertNotification || c == pdu.Outbind {
			continue
		}
		if got := commandName(commandIndex(c.Response())); got != want+"_resp" {
			t.Errorf("%08x: %q, want %q", uint32(c.Response()), got, want+"_resp")
		}
		seen = append(seen, commandIndex(c), commandIndex(c.Response()))
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(seen) || seen[len(seen)-1] >= commandCount {
		t.Fatalf("indices %v", seen)
	}
}
