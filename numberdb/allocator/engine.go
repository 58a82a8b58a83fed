package allocator

import (
	"math/rand/v2"
	"sync"
	"time"

	"maskline/numberdb"
)

// Config configures an engine.
type Config struct {
	Seed       uint64        // of the parties' permutations; the same after a restart, else they begin anew
	Quarantine time.Duration // of pools that name none; 0: none
	Parties    int           // most parties with one mask, of pools that name none; 0: no limit
	Remember   int           // parties without bindings whose place in the rotation is kept; 0: 100,000
}

const (
	defaultRemember = 100_000
	starts          = 4
)

// Engine decides which masks parties get.
type Engine struct {
	mu     sync.Mutex
	config Config
	rand   *rand.Rand

	pools    []pool // 0: none
	byPool   map[string]uint32
	masks    []mask          // 0: none
	infos    []numberdb.Mask // of masks
	byMask   map[uint64]uint32
	free     []uint32 // of masks
	carriers map[string]uint32
	resting  map[uint32]struct{} // masks in quarantine after a lease

	nodes    slab[node]
	parties  slab[party]
	byParty  map[uint64]uint32
	pairs    map[uint64]uint32 // of parties with many nodes
	sessions map[numberdb.ID]uint32

	wheel  map[tick]uint32
	turned tick // up to here the wheel is done

	generation uint8 // of what is learned

	starts              int // places that a walk without history looks at, to begin where the fewest parties are
	remember            int
	idleFirst, idleLast uint32
	idleCount           int

	scratch scratch
	counts  counts
}

// New makes an engine that knows nothing.
func New(config Config) *Engine {
	e := &Engine{
		config:   config,
		rand:     rand.New(rand.NewPCG(config.Seed, config.Seed)),
		pools:    make([]pool, 1),
		byPool:   map[string]uint32{},
		masks:    make([]mask, 1),
		infos:    make([]numberdb.Mask, 1),
		byMask:   map[uint64]uint32{},
		carriers: map[string]uint32{"": 0},
		resting:  map[uint32]struct{}{},
		byParty:  map[uint64]uint32{},
		pairs:    map[uint64]uint32{},
		sessions: map[numberdb.ID]uint32{},
		wheel:    map[tick]uint32{},
		starts:   starts,
		remember: config.Remember,
	}
	if e.remember <= 0 {
		e.remember = defaultRemember
	}
	e.nodes.grow()
	e.parties.add()
	e.byParty[0] = everybody
	return e
}
