//go:build peers

package edge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// terminal is spandsp's T.38 terminal, as testdata/t38terminal.c runs it.
type terminal struct {
	t     *testing.T
	port  uint16
	tells io.WriteCloser
	lines *bufio.Scanner
}

const faxTakes = 60 * time.Second // at most

func newTerminal(t *testing.T, program, what string, ip netip.Addr, file string) *terminal {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*faxTakes)
	cmd := exec.CommandContext(ctx, program, what, ip.String(), file)
	f := &terminal{t: t}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if f.tells, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	f.lines = bufio.NewScanner(out)
	if !f.lines.Scan() {
		t.Fatal("the terminal has no port")
	}
	if _, err := fmt.Sscanf(f.lines.Text(), "port %d", &f.port); err != nil {
		t.Fatal(err)
	}
	return f
}

// connect begins the fax.
func (f *terminal) connect(to netip.AddrPort) {
	f.t.Helper()
	if _, err := fmt.Fprintln(f.tells, to.Addr(), to.Port()); err != nil {
		f.t.Fatal(err)
	}
}

// finish is what it sent and received, in hexadecimal.
func (f *terminal) finish() (sent, received []string) {
	f.t.Helper()
	end := ""
	for f.lines.Scan() {
		switch what, data, _ := strings.Cut(f.lines.Text(), " "); what {
		case "sent":
			sent = append(sent, data)
		case "received":
			received = append(received, data)
		default:
			end = f.lines.Text()
		}
	}
	if end != "ended 0" {
		f.t.Errorf("the fax: %q after %d datagrams sent and %d received", end, len(sent), len(received))
	}
	return sent, received
}

// TestForeignFax has spandsp at both ends of a call that becomes a fax: the page
// arrives, and so does each datagram, as it was sent.
func TestForeignFax(t *testing.T) {
	dir := t.TempDir()
	program, page, copied := filepath.Join(dir, "t38"), filepath.Join(dir, "page.tiff"), filepath.Join(dir, "copy.tiff")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v (Debian: apt-get install gcc libspandsp-dev libtiff-dev)\n%s", name, args, err, out)
		}
	}
	run("cc", "-O1", "-o", program, "testdata/t38terminal.c", "-lspandsp", "-ltiff", "-lm")
	run(program, "page", page)

	b := newBed(t)
	caller, callee := newPhone(t, "charlie"), newPhone(t, "delta")
	relays := func(p *phone) string { return strings.Replace(p.carrier(), "}]}", ", t38: relay}]}", 1) }
	b.start(settings{carriers: relays(caller) + relays(callee)})
	caller.edge = b.edge.Listeners().SIP[0]
	callee.edge = caller.edge
	b.imports(bindings + guestDials.Reveal() + "," + guest.Reveal() + ",tel:" + driver.Reveal() + "," + driverDials.Reveal() + ",voice,delta,,shop\n")
	a := caller.dial(guest, guestDials)
	z := callee.ring(driver)
	z.answer()
	a.answered()

	sender := newTerminal(t, program, "send", local(caller.sip).Addr(), page)
	receiver := newTerminal(t, program, "receive", local(callee.sip).Addr(), copied)
	a.change(caller.fax(a.gossip, sender.port))
	offer := callee.await("INVITE ")
	z.respond(offer, "200 OK", callee.fax(z.gossip, receiver.port))
	a.acknowledge()
	callee.await("ACK ")
	sender.connect(a.toEdge)
	receiver.connect(z.toEdge)

	sent, heard := sender.finish()
	answered, got := receiver.finish()
	if len(sent) < 50 || !slices.Equal(got, sent) {
		t.Errorf("%d datagrams were sent, %d came, or they are others", len(sent), len(got))
	}
	if len(answered) < 10 || !slices.Equal(heard, answered) {
		t.Errorf("%d datagrams were sent back, %d came, or they are others", len(answered), len(heard))
	}
	run(program, "same", page, copied)
	a.bye()
	z.hungUp()
}
