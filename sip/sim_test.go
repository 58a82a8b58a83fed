package sip

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"maskline/e164"
	"maskline/sip/message"
)

// The simulation runs one call of the reducer between a caller and several
// callees over a network that loses, repeats, reorders and delays, all from one
// seed. SEED replays a single one, SEEDS says how many to play.

const simSeeds = 2000

var (
	simAlice = e164.MustParse("447700900001")
	simBob   = e164.MustParse("447700900002")
	simMaskA = e164.MustParse("441110000001") // dialled by Alice
	simMaskB = e164.MustParse("441110000002") // shown to Bob
	simStart = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

// sim is the world of one seed.
type sim struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	now   time.Time
	queue simQueue
	count int
	trace []string

	loss, twice, late float64
	broken            float64 // of the messages over a stream, with its connection
	arrivals          map[simPath]time.Time
	sentOver          map[string]bool // requests over streams; true: none broke under it

	call    *call
	started bool
	caller  *simUA
	callees map[netip.AddrPort]*simUA
	trunkA  *trunk
	trunks  []*trunk

	allocated, over, gone    int
	granted, reports, closes int
	invites                  map[uint8]bool // legs that were sent an INVITE
	finals                   map[string]bool
	challenged               map[string]int // requests in dialogs, by method
	heardFrom                map[uint8]bool // legs whose INVITE was answered with anything
	acked                    bool           // the caller's ACK arrived
	answeredAt, overAt       time.Time
	remotes                  [2]Remote
	inside                   map[string]int    // what the edge sent inside dialogs, by method and code
	said                     map[string]string // descriptions by leg and version
	media                    bool              // the caller was given a session description
	edgeAddr                 netip.AddrPort
	voice                    simVoice
	contact                  simContact
	fax                      *rand.Rand
	locals                   [2]netip.AddrPort        // what the relay has given each side
	bound                    map[uint8]netip.AddrPort // side B's, by attempt
	keyLots                  *rand.Rand
	ours                     map[string]uint8 // our keys of SRTP, and the leg that was told
	ordered                  *simOrder        // nil: the caller calls
	rseq                     string           // of the latest reliable answer to the caller
	rseqOpen                 bool             // its PRACK has not come
	rseqSDP                  bool             // it holds a description
	rseqTold                 bool             // one that does was acknowledged
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{
		t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), now: simStart,
		callees: map[netip.AddrPort]*simUA{}, finals: map[string]bool{}, challenged: map[string]int{}, heardFrom: map[uint8]bool{}, invites: map[uint8]bool{},
		arrivals: map[simPath]time.Time{}, sentOver: map[string]bool{}, said: map[string]string{}, inside: map[string]int{},
		edgeAddr: netip.MustParseAddrPort("203.0.113.1:5060"),
	}
	switch s.rnd.IntN(3) {
	case 0: // a clean network
	case 1:
		s.loss, s.twice, s.late, s.broken = 0.05, 0.05, 0.05, 0.02
	case 2:
		s.loss, s.twice, s.late, s.broken = 0.25, 0.2, 0.2, 0.1
	}
	ids, err := newTokens(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	s.call = newCall(s.rnd.Uint64(), ids, 4)
	s.trunkA = testTrunk(t, TrunkConfig{Name: "in", Carrier: "in", Addr: "192.0.2.10:5062", MaxDuration: time.Hour})
	s.trunkA.over = s.transport()
	s.caller = &simUA{s: s, over: s.trunkA.over, name: "caller", addr: s.trunkA.addr, tag: "alice", number: simAlice}
	s.caller.plan(true)
	for i := range 1 + s.rnd.IntN(4) {
		addr := fmt.Sprintf("198.51.100.%d:5070", i+1)
		cfg := TrunkConfig{
			Name: "out" + strconv.Itoa(i), Carrier: "out", Addr: addr, MaxDuration: time.Hour,
			Codecs: [][]string{nil, {"PCMA"}, {"opus"}, {"pcmu", "telephone-event"}}[i],
		}
		answers := s.rnd.IntN(3) > 0
		if answers {
			cfg.AuthOut = AuthOut{Username: simUser, Password: simPassword, Realm: simRealm}
		}
		tr := testTrunk(t, cfg)
		if tr.over = s.transport(); tr.over == overUDP && s.rnd.IntN(3) == 0 {
			tr.TCPAbove = 600 // the INVITE is longer, the rest is not
		}
		s.trunks = append(s.trunks, tr)
		ua := &simUA{s: s, over: tr.over, narrow: s.rnd.IntN(2) == 0, name: tr.Name, addr: tr.addr, number: simBob}
		ua.plan(false)
		ua.picky = slices.Equal(cfg.Codecs, []string{"opus"})
		ua.guard.answered = answers
		s.callees[tr.addr] = ua
	}
	s.planEarly()
	s.planVoice()
	s.planContact()
	s.planSix()
	s.planMux()
	s.planKeys()
	return s
}

func testTrunk(t testing.TB, cfg TrunkConfig) *trunk {
	t.Helper()
	cfg.Probe.Every = -1
	tr, err := newTrunk(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr.own = "203.0.113.1:5060"
	tr.initState()
	return tr
}

func (s *sim) at(after time.Duration, run func()) {
	s.count++
	heap.Push(&s.queue, simItem{s.now.Add(after), s.count, run})
}

func (s *sim) log(format string, args ...any) {
	s.trace = append(s.trace, s.now.Sub(simStart).String()+" "+fmt.Sprintf(format, args...))
}

func (s *sim) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: %s\n%s", s.seed, fmt.Sprintf(format, args...), strings.Join(s.trace, "\n"))
}

// edge handles an event and does what the call wants.
func (s *sim) edge(ev event) {
	if s.gone > 0 {
		return
	}
	var results []event
	for _, a := range s.call.handle(ev, s.now) {
		if r := s.do(a); r != nil {
			results = append(results, r)
		}
	}
	for _, r := range results {
		s.edge(r)
	}
	if wake := s.call.wake(); s.gone == 0 && !wake.IsZero() {
		s.at(max(wake.Sub(s.now), 0), func() {
			if w := s.call.wake(); s.gone == 0 && reached(w, s.now) {
				s.edge(evTick{})
			}
		})
	}
}

func (s *sim) do(a action) event {
	switch a := a.(type) {
	case actSend:
		s.sent(a)
	case actRoute:
		if a.to != simMaskA || a.from != simAlice {
			s.fail("routing was asked for %q", a.dialled)
		}
		if s.contact.isNew() {
			return evRouted{refused: &refusal{480, causeTemporary, "first_contact"}, announce: s.voice.announce, contact: simPlan}
		}
		if s.rnd.IntN(20) == 0 {
			return evRouted{refused: &refusal{404, 1, "unknown_mask"}, announce: s.voice.announce}
		}
		ev := evRouted{present: simMaskB, to: simBob, otherwise: refusal{503, causeNoCircuit, "no_carrier"}}
		ev.announce, ev.accept, ev.ring = s.voice.unreachable, s.voice.accept, s.voice.ring
		for _, tr := range s.trunks {
			ev.candidates = append(ev.candidates, candidate{trunk: tr})
		}
		return ev
	case actOpen:
		return s.openSlot(a)
	case actContacted:
		s.contacted(a)
	case actAllocate:
		if s.rnd.IntN(30) == 0 {
			return evAllocated{}
		}
		s.allocated++
		return s.allocate(a.at)
	case actBegin:
		if s.contact.isNew() {
			s.fail("the called side is called without a slot")
		}
		if s.rnd.IntN(10) == 0 {
			return evBegun{local: s.move(a.side, a.at)}
		}
		s.granted++
		return evBegun{true, s.move(a.side, a.at)}
	case actRemote:
		if s.over > 0 {
			s.fail("media is touched after the end")
		}
		s.checkVersions(a)
		s.checkRemoteKeys(a)
		s.remotes[a.side] = a.remote
		if s.rnd.IntN(100) == 0 {
			return evMediaFault{a.side}
		}
	case actReport:
		s.reports++
	case actAttempt:
		s.closes++
	case actOver:
		s.over++
		s.overAt = s.now
		s.checkSummary(&a.summary)
		if !a.summary.answered.IsZero() && a.summary.announced == "" {
			s.checkMedia(SideA, s.firstOf(&a.summary))
			s.checkMedia(SideB, s.callees[a.summary.to.addr])
			if s.ordered == nil {
				s.checkFax(s.callees[a.summary.to.addr])
			}
		}
		s.log("over: %s %d after %v", a.summary.why, a.summary.code, a.summary.ended.Sub(a.summary.began))
		if a.summary.announced != "" {
			s.log("over: announcement_%v", a.summary.announcement)
		}
	case actGone:
		s.gone++
		if late := s.now.Sub(s.overAt); s.clean() && late > 2*t64 {
			s.fail("gone %v after its end", late)
		}
		for _, b := range s.call.b {
			if b.invite.running() {
				s.fail("gone while attempt %d is under way", b.number)
			}
		}
		s.log("gone")
	case actSide:
		return s.routeSide(a.side)
	case actNews:
		s.heardNews(a.news)
	default:
		return s.doVoice(a)
	}
	return nil
}

// arrive is a datagram of a peer at the edge.
func (s *sim) arrive(from netip.AddrPort, conn uint64, data []byte) {
	if drop := message.Check(data); drop != message.Pass {
		s.fail("the guard drops (%v)\n%s", drop, data)
	}
	msg, err := gosip.NewParser().ParseSIP(data)
	if err != nil {
		s.fail("unparsable: %v\n%s", err, data)
	}
	switch msg := msg.(type) {
	case *gosip.Response:
		res, f := message.NewResponse(msg)
		if f != nil {
			s.fail("%v\n%s", f, data)
		}
		if k, ok := s.call.tokens.openBranch(res.Branch, branchToken); ok && k.call == s.call.id {
			s.heardFrom[k.leg] = s.heardFrom[k.leg] || res.Method == message.Invite
			s.edge(evResponse{leg: k.leg, seq: k.seq, res: res, source: from, conn: conn})
		}
	case *gosip.Request:
		req, f := message.NewRequest(msg, from)
		if f != nil {
			s.fail("%v\n%s", f, data)
		}
		req.Conn = conn
		s.request(req)
	}
}

func (s *sim) request(req *message.Request) {
	if req.ToTag != "" {
		k, ok := s.call.tokens.open(req.ToTag, tagToken)
		if !ok || k.call != s.call.id {
			s.fail("a peer made a tag up: %s", req.ToTag)
		}
		if req.Method == message.Prack && k.leg == legA {
			s.sawPrack(fmt.Sprint(req.Extensions().RAck.RSeq))
		}
		s.acked = s.acked || req.Method == message.Ack && k.leg == legA && req.CSeq == 1
		s.edge(evRequest{k.leg, req})
		return
	}
	switch {
	case req.Method == message.Cancel:
		if s.started {
			s.edge(evCancel{req})
		}
	case req.Method == message.Invite && s.started:
		s.edge(evRepeated{})
	case req.Method == message.Invite:
		s.started = true
		s.edge(evInvite{req: req, trunk: s.trunkA, over: s.trunkA.over, own: "203.0.113.1:5060" + s.trunkA.over.params(), secret: testSecret})
	}
}

func (s *sim) run() {
	if s.ordered == nil {
		s.caller.invite()
	} else {
		s.order()
	}
	if s.rnd.IntN(40) == 0 {
		s.at(time.Duration(s.rnd.IntN(60))*time.Second, func() { s.edge(evEnd{"drain"}) })
	}
	s.runOneWay()
	if s.rnd.IntN(20) == 0 {
		n := s.rnd.IntN(len(s.trunks))
		s.at(time.Duration(s.rnd.IntN(3000))*time.Millisecond, func() {
			if s.started {
				s.doubt()
				s.edge(evUnreachable{uint8(n), seqInvite})
			}
		})
	}
	const limit = 3 * time.Hour
	for len(s.queue) > 0 {
		item := heap.Pop(&s.queue).(simItem)
		if s.now = item.at; s.now.Sub(simStart) > limit {
			s.fail("it does not end")
		}
		item.run()
	}
	s.check()
}

func (s *sim) check() {
	if !s.started {
		return // every INVITE was lost
	}
	switch {
	case s.gone != 1:
		s.fail("the call is not gone (%d)", s.gone)
	case s.over != 1:
		s.fail("media and limits were given back %d times", s.over)
	case s.reports != s.granted:
		s.fail("%d attempts, %d reports", s.granted, s.reports)
	case s.closes != s.granted:
		s.fail("%d attempts, %d ends", s.granted, s.closes)
	case s.contact.asked != s.contact.told:
		s.fail("%d slots were asked for, %d ends", s.contact.asked, s.contact.told)
	case len(s.finals) != 1 && s.ordered == nil:
		s.fail("%d final answers", len(s.finals))
	}
	if s.ordered == nil {
		s.caller.checkEnded()
	}
	for _, ua := range s.callees {
		ua.checkEnded()
	}
}

// simCount is how many seeds to play.
func simCount(t *testing.T) uint64 {
	text := os.Getenv("SEEDS")
	if text == "" {
		return simSeeds
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSimulation(t *testing.T) {
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := newSim(t, seed)
		s.run()
		t.Log(strings.Join(s.trace, "\n"))
		return
	}
	whys, inside := map[string]int{}, map[string]int{}
	for seed := range simCount(t) {
		s := newSim(t, seed)
		s.run()
		for method, n := range s.challenged {
			whys["challenged "+method] += n
		}
		for what, n := range s.inside {
			inside[what] += n
		}
		for _, line := range s.trace {
			if _, why, ok := strings.Cut(line, "over: "); ok {
				whys[strings.Fields(why)[0]]++
			}
			for _, again := range []string{"CSeq: 2 INVITE", "CSeq: 3 INVITE", "CSeq: 4 BYE"} { // the last one only after three tries
				if strings.Contains(line, again) {
					whys[again]++
				}
			}
		}
	}
	t.Log(whys, inside)
	for _, what := range []string{
		"INVITE 0", "INVITE 200", "INVITE 487", "INVITE 488", "INVITE 491", "INVITE 500", "INVITE 504", "UPDATE 0", "UPDATE 200", "UPDATE 491", "UPDATE 504", "INFO 0", "INFO 200", "INFO 400", "INFO 405", "CANCEL 0", "CANCEL 200",
		"early UPDATE 0+sdp", "early UPDATE 200+sdp", "early UPDATE 491", "early UPDATE 500", "early PRACK 0+sdp", "early PRACK 200+sdp", "early PRACK 488", "keys", "protected", "rekeyed",
	} {
		if inside[what] == 0 {
			t.Errorf("no seed has %s inside a dialog", what)
		}
	}
	for _, why := range []string{"caller", "callee", "cancelled", "refused", "timeout", "unreachable", "no_answer", "no_ack", "bad_answer", "max_duration", "drain", "no_media_ports", "media_address", "no_carrier", "no_prack", "session_expired", "session_interval", "dialog_lost", "not_accepted", "unknown_mask", "first_contact", "contact_opened", "contact_refused", "contact_late", "contact_left", "announcement_played", "announcement_cut", "announcement_failed", "CSeq: 2 INVITE", "CSeq: 3 INVITE", "CSeq: 4 BYE", "challenged INVITE", "challenged UPDATE", "challenged INFO", "challenged PRACK", "challenged BYE"} {
		if whys[why] == 0 {
			t.Errorf("no seed ends with %q", why)
		}
	}
}
