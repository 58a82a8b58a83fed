package numberdb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func placeText(place uint64) string { return strconv.FormatUint(place, 10) }

// VerifyAudit reads the whole chain and compares every line with its hash, the last
// one with the end that the store has, and each of kept, ends of before that were kept
// elsewhere, with the line of its place. It returns the end that it has seen; an
// *AuditFault names the first place that is wrong.
func VerifyAudit(ctx context.Context, store AuditStore, kept []AuditHead) (AuditHead, error) {
	end, err := store.AuditEnd(ctx)
	if err != nil {
		return AuditHead{}, err
	}
	wanted := map[uint64]AuditHash{}
	for _, head := range kept {
		if known, twice := wanted[head.Place]; twice && known != head.Hash {
			return AuditHead{}, fmt.Errorf("%w: two ends of the same place that were kept are not the same", ErrAudit)
		}
		wanted[head.Place] = head.Hash
	}
	delete(wanted, 0)
	at := AuditHead{}
	for {
		lines, err := store.Audit(ctx, AuditQuery{Tenant: AnyTenant, After: at.Place, Limit: verifyAtOnce})
		if err != nil {
			return at, err
		}
		if len(lines) == 0 {
			break
		}
		if lines[0].Place != at.Place+1 {
			return at, &AuditFault{at.Place + 1, "is missing"}
		}
		for i := 1; i < len(lines); i++ {
			if lines[i].Place != lines[i-1].Place+1 {
				return at, &AuditFault{lines[i-1].Place + 1, "is missing"}
			}
		}
		if err := store.CheckAudit(at.Hash, lines); err != nil {
			return at, err
		}
		for i := range lines {
			if hash, is := wanted[lines[i].Place]; is && hash != lines[i].Hash {
				return at, &AuditFault{lines[i].Place, "is another one than when its hash was kept"}
			}
			delete(wanted, lines[i].Place)
		}
		at = AuditHead{lines[len(lines)-1].Place, lines[len(lines)-1].Hash}
	}
	if at.Place < end.Place {
		return at, &AuditFault{at.Place + 1, "and those after it are missing at the end"}
	}
	for place := range wanted {
		if place > at.Place {
			return at, &AuditFault{at.Place + 1, "and those after it are missing: an end that was kept is further on"}
		}
	}
	return at, nil
}

const verifyAtOnce = 1000

// Text is the end in a form to be kept: its place, a dash and its hash.
func (h AuditHead) Text() string { return placeText(h.Place) + "-" + hex.EncodeToString(h.Hash[:]) }

// ErrAuditHead says that a text is no end of the chain.
var ErrAuditHead = errors.New("expected an end of the chain as audit head prints it: a number, a dash and 64 letters and digits")

// ParseAuditHead reads what Text writes.
func ParseAuditHead(text string) (h AuditHead, err error) {
	place, hash, found := strings.Cut(strings.TrimSpace(text), "-")
	if h.Place, err = strconv.ParseUint(place, 10, 63); !found || err != nil || h.Place == 0 {
		return AuditHead{}, ErrAuditHead
	}
	octets, err := hex.DecodeString(hash)
	if err != nil || len(octets) != len(h.Hash) {
		return AuditHead{}, ErrAuditHead
	}
	copy(h.Hash[:], octets)
	return h, nil
}
