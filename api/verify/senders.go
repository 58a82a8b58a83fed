package verify

import (
	"sync"
	"time"

	"maskline/e164"
)

// senders remembers the masks of pools for a moment: to list them means to look at all
// masks that there are, and there may be a code for each of thousands of users a second.
type senders struct {
	mu    sync.Mutex
	lists map[senderKey]senderList
}

type senderKey struct {
	tenant string
	mask   e164.Number
	pool   string
}

type senderList struct {
	masks []e164.Number
	until time.Time
}

const (
	sendersFor  = time.Second
	sendersMost = 256 // lists
)

// of is a list that is not older than a moment, and not to be changed.
func (s *senders) of(now time.Time, key senderKey, list func(tenant string, mask e164.Number, pool string) []e164.Number) []e164.Number {
	s.mu.Lock()
	known, is := s.lists[key]
	s.mu.Unlock()
	if is && now.Before(known.until) {
		return known.masks
	}
	masks := list(key.tenant, key.mask, key.pool)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lists) >= sendersMost || s.lists == nil {
		s.lists = map[senderKey]senderList{}
	}
	s.lists[key] = senderList{masks, now.Add(sendersFor)}
	return masks
}
