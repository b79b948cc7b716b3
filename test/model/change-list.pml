/*
 * The list of changes of docs/adr/0035-a-list-of-changes.md for the model checker Spin: does every replica come to know
 * the state that is stored? What it then does with that is in refresh-protocol.pml, where replicas read at any moment, as
 * if each entry came as late as it can.
 *
 * Two replicas write the state of one app, which is the number of the write, and read the list and the state in every
 * possible order. A `d_step` is one command to the store.
 *
 * Faults: TRIM shortens the list once. CRASH lets one replica start anew. FAILOVER brings the store back as it was at some
 * earlier moment, which cuts all connections, unless it is HIDDEN by a proxy. In a CLUSTER the entry follows the state in a
 * command of its own, and a failover is that of one node. SWEEP reads the state once more, whatever the list says.
 * OTHER_APP puts one entry into the list that is of no interest.
 */
#define WRITES 3
#define bitOf(n) (1 << (n))
#define upTo(n) (bitOf((n) + 1) - 1)

byte state;             /* What is stored: the number of the write. */
unsigned list : 16;     /* The entries, by their ids. */
unsigned foreign : 16;  /* Those of them that name another app. */
byte ids, writes, others, crashes;
bit isOver, isTrimmed;

typedef Replica {
  byte known;           /* The state as it was read or written last. */
  byte position;        /* The last entry that was read; 0: the list was never read. */
  unsigned own : 16;    /* Entries that it wrote and has not read. */
  bit mustRead, wasCut;
  bit owes, owesHeard   /* An entry that is not in the list yet, and whether the write was answered. */
};

Replica replica[2];
byte last_;
bit isGap_;

inline add(i, isHeard) {
  ids++;
  list = list | bitOf(ids);
  if :: isHeard -> replica[i].own = replica[i].own | bitOf(ids) :: else fi;
  printf("replica %d: entry %d\n", i, ids)
}

inline write(i, isHeard) {
  writes++;
  state = writes;
  if
  :: isHeard -> replica[i].known = state
  :: else -> replica[i].mustRead = 1 /* Whoever got no answer asks again. */
  fi;
  printf("replica %d: writes %d, answered %d\n", i, state, isHeard);
#ifdef CLUSTER
  replica[i].owes = 1; replica[i].owesHeard = isHeard
#else
  add(i, isHeard)
#endif
}

/* A replica that got no answer adds the entry all the same, and reads it like that of another. */
inline addOwed(i) {
  add(i, replica[i].owesHeard);
  replica[i].owes = 0; replica[i].owesHeard = 0
}

inline look(i) {
  isGap_ = (replica[i].position == 0 || replica[i].wasCut);
#ifndef NO_ANCHOR
  isGap_ = isGap_ || !(list & bitOf(replica[i].position));
#endif
  isGap_ = isGap_ || (replica[i].own & ~list & ~upTo(replica[i].position));
  if
  :: isGap_ || (list & ~foreign & ~upTo(replica[i].position) & ~replica[i].own) -> replica[i].mustRead = 1
  :: else
  fi;
  replica[i].own = 0;
  replica[i].wasCut = 0;
  if
  :: list == 0 -> ids++; list = bitOf(ids) /* An entry to begin from. */
  :: else
  fi;
  last_ = ids;
  do
  :: !(list & bitOf(last_)) -> last_--
  :: else -> break
  od;
  replica[i].position = last_;
  printf("replica %d: looks, position %d, must read %d\n", i, last_, replica[i].mustRead);
  last_ = 0; isGap_ = 0
}

inline read(i) {
  replica[i].known = state;
  replica[i].mustRead = 0;
  printf("replica %d: reads %d\n", i, state)
}

inline start(i) {
  replica[i].known = 0; replica[i].position = 0; replica[i].own = 0;
  replica[i].wasCut = 0; replica[i].owes = 0; replica[i].owesHeard = 0; replica[i].mustRead = 0;
  printf("replica %d: starts anew\n", i)
}

proctype Broker(byte i) {
  do
  :: d_step { !isOver && writes < WRITES && !replica[i].owes -> write(i, true) }
  :: d_step { !isOver && writes < WRITES && !replica[i].owes -> write(i, false) }
#ifdef OTHER_APP
  :: d_step {
       !isOver && others == 0 -> others++; ids++;
       list = list | bitOf(ids); foreign = foreign | bitOf(ids);
       printf("entry %d of another app\n", ids)
     }
#endif
#ifdef CLUSTER
  :: d_step { !isOver && replica[i].owes -> addOwed(i) }
#endif
  :: d_step { !isOver && !replica[i].mustRead && ids < 10 -> look(i) }
  :: d_step { !isOver && replica[i].mustRead -> read(i) }
#ifdef CRASH
  :: d_step { !isOver && crashes == 0 -> crashes++; start(i) }
#endif
  :: isOver -> break
  od
}

#ifdef TRIM
proctype Trim() {
  do
  :: d_step { !isOver && !isTrimmed && list -> isTrimmed = 1; list = list & bitOf(ids); printf("store: trims\n") }
  :: isOver -> break
  od
}
#endif

#ifdef FAILOVER
byte state_;
unsigned list_ : 16;

inline cut() {
#ifndef HIDDEN
  replica[0].wasCut = 1; replica[1].wasCut = 1;
#endif
  printf("store: fails over, state %d\n", state)
}

proctype Failover() {
  d_step { !isOver -> state_ = state; list_ = list };
#ifdef CLUSTER
  if
  :: d_step { !isOver -> state = state_; cut() }
  :: d_step { !isOver -> list = list_; cut() }
  fi
#else
  d_step { !isOver -> state = state_; list = list_; cut() }
#endif
}
#endif

inline settle(i) {
  if :: replica[i].owes -> addOwed(i) :: else fi;
  if :: replica[i].mustRead -> read(i) :: else fi
}

inline lookAndRead(i) {
  look(i);
  if :: replica[i].mustRead -> read(i) :: else fi;
#ifdef SWEEP
  read(i)
#endif
}

/* One interval later, while nobody writes. */
proctype Rest() {
  d_step {
    !isOver -> isOver = 1;
    printf("rest: state %d\n", state);
    settle(0); settle(1);
    lookAndRead(0); lookAndRead(1);
    assert(replica[0].known == state);
    assert(replica[1].known == state)
  }
}

init {
  atomic {
    run Broker(0); run Broker(1); run Rest();
#ifdef TRIM
    run Trim();
#endif
#ifdef FAILOVER
    run Failover()
#endif
  }
}
