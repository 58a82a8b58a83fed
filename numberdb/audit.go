package numberdb

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"maskline/seal"
)

// AuditLine tells who changed what. It is committed with the change, and becomes part
// of the chain soon after. It holds no real number.
type AuditLine struct {
	ID      ID
	At      time.Time // to the microsecond
	Node    string    // the edge that did it
	Actor   string    // EdgeActor, OperatorActor or the id of a key
	Tenant  string    // whose; empty: the operator's
	What    string    // such as session.created
	Subject string    // such as the id of a session or a pool's name
	Detail  string    // a few words more
}

// OperatorActor is who works at the command line of an edge.
const OperatorActor = "operator"

// AuditPrefix is that of the ids of lines.
const AuditPrefix = "aud_"

// AuditHash ties a line to all before it.
type AuditHash [seal.MACSize]byte

// ChainedLine is a line in its place. The first place is 1.
type ChainedLine struct {
	AuditLine
	Place uint64
	Hash  AuditHash // keyed, of the line, its place and the hash before
}

// AuditHead is the end of the chain. Kept elsewhere it proves later that nothing up to
// its place was changed or removed.
type AuditHead struct {
	Place uint64 // 0: there is no line yet
	Hash  AuditHash
}

// AuditQuery selects lines; zero fields select all.
type AuditQuery struct {
	Tenant  string // of this tenant; AnyTenant: of all and the operator's
	Subject string
	After   uint64 // places greater than
	Limit   int    // default 100, at most 10,000
}

// AuditStore keeps the audit; Writes add lines.
type AuditStore interface {
	// ChainAudit chains lines that were committed since, at most so many, and returns
	// how many and the end of the chain. One edge at a time does; for the others it
	// is as if there was nothing to do. Lines that no edge has written are left where
	// they are and counted in forged.
	ChainAudit(ctx context.Context, most int) (chained, forged int, head AuditHead, err error)

	// Audit returns lines in the order of their places.
	Audit(ctx context.Context, query AuditQuery) ([]ChainedLine, error)

	// AuditEnd is the end of the chain as the store has it. An error wraps ErrSealed
	// where nobody with the key has written it.
	AuditEnd(ctx context.Context) (AuditHead, error)

	// CheckAudit compares lines of the chain, which follow one another, with their
	// hashes. before is the hash of the line before the first.
	CheckAudit(before AuditHash, lines []ChainedLine) error
}

// ErrAudit is what a line or the end of the chain wraps that is not as it was written.
var ErrAudit = errors.New("the audit is not as it was written")

// Check refuses what no store may hold. Faults never hold a value.
func (l *AuditLine) Check() error {
	switch {
	case l.ID == 0 || int64(l.ID) < 0:
		return errors.New("id: a line needs one")
	case !isTime(l.At):
		return errors.New("at: expected a time from 1970 to 2261, to the microsecond at most")
	case !isOwner(l.Tenant):
		return ErrTenant
	case l.What == "" || !isText(l.What, 64), l.Actor == "" || !isText(l.Actor, 128), !isText(l.Node, 128), !isText(l.Subject, 256), !isText(l.Detail, 256):
		return errors.New("audit: expected short printable texts")
	}
	return nil
}

// octets is the line as it is hashed: each field after its length.
func (l *AuditLine) octets(dst []byte) []byte {
	dst = append(dst, "audit line 1"...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(l.ID))
	dst = binary.BigEndian.AppendUint64(dst, uint64(l.At.UnixMicro()))
	for _, text := range [...]string{l.Node, l.Actor, l.Tenant, l.What, l.Subject, l.Detail} {
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(text))), text...)
	}
	return dst
}

// SumLine is the code by which a line that waits to be chained is known as ours.
func (v *Vault) SumLine(l *AuditLine) AuditHash { return v.audit.Sum(l.octets(make([]byte, 0, 256))) }

// IsLine reports whether a waiting line is ours.
func (v *Vault) IsLine(sum []byte, l *AuditLine) bool {
	return v.audit.Is(sum, l.octets(make([]byte, 0, 256)))
}

// Chain puts lines behind the end of the chain, and returns its new end.
func (v *Vault) Chain(head AuditHead, lines []AuditLine) ([]ChainedLine, AuditHead) {
	chained := make([]ChainedLine, len(lines))
	for i := range lines {
		head.Place++
		head.Hash = v.link(head.Place, head.Hash, &lines[i])
		chained[i] = ChainedLine{AuditLine: lines[i], Place: head.Place, Hash: head.Hash}
	}
	return chained, head
}

func (v *Vault) link(place uint64, before AuditHash, l *AuditLine) AuditHash {
	data := append(make([]byte, 0, 320), "audit chain 1"...)
	data = append(binary.BigEndian.AppendUint64(data, place), before[:]...)
	return v.audit.Sum(l.octets(data))
}

// SumEnd is the code by which the end of the chain is known as ours.
func (v *Vault) SumEnd(head AuditHead) AuditHash {
	data := append(make([]byte, 0, 64), "audit end 1"...)
	return v.audit.Sum(append(binary.BigEndian.AppendUint64(data, head.Place), head.Hash[:]...))
}

// CheckEnd refuses an end of the chain that nobody with the key has written.
func (v *Vault) CheckEnd(head AuditHead, sum []byte) error {
	if own := v.SumEnd(head); head != (AuditHead{}) && string(own[:]) != string(sum) {
		return errors.Join(ErrAudit, ErrSealed)
	}
	return nil
}

// CheckChain compares lines that follow one another with their hashes.
func (v *Vault) CheckChain(before AuditHash, lines []ChainedLine) error {
	for i := range lines {
		l := &lines[i]
		if i > 0 && l.Place != lines[i-1].Place+1 || v.link(l.Place, before, &l.AuditLine) != l.Hash {
			return &AuditFault{Place: l.Place, Found: "is not as it was written, or the one before it is another"}
		}
		before = l.Hash
	}
	return nil
}

// AuditFault is what Verify finds.
type AuditFault struct {
	Place uint64
	Found string
}

// Error names the place.
func (f *AuditFault) Error() string {
	return "line " + placeText(f.Place) + " " + f.Found
}

// Unwrap is ErrAudit.
func (f *AuditFault) Unwrap() error { return ErrAudit }
