/*
 * The refresh protocol of docs/refresh-protocol.md for the model checker Spin. docs/model.md relates each step to the
 * code and names what the runs show; `npm run model` does them.
 *
 * Two replicas, one store and one platform take turns in every possible order. A `d_step` is what the others see as one
 * step: a method of TokenStore, or an event at the platform. After any number of steps everything may come to rest, and
 * then the checks are made.
 *
 * What is left out, and why that loses nothing:
 * - Leases. Anybody may begin at any time, as if every lease were lost at once. So may every reason to fetch apply: an
 *   idle replica may find its token due, cold, reported or suspect.
 * - Clocks. `now` counts the moments that the protocol compares. `isYoung(t)` is "less than two lease times after t":
 *   a request that was granted by then may still reach the platform. Send guard and platform together take less than
 *   two lease times, so they are over exactly when no such request is left.
 * - Fences other than the store's time, which is larger than all that begin compares it with.
 * - Back-off, budgets, expiry and the feed. They delay or spare fetches, and the model may do that anyway.
 *
 * The platform has the classic grant: each request that is processed mints, and only the newest token counts as alive.
 * A token's value is its number. Requests and answers may be lost, the store's answers too.
 *
 * Faults are bounded: BEGINS fetches and CRASHES crashes. PAUSE lets replicas stop between send guard and sending,
 * FAILOVER brings the store back as it was at some earlier moment, OUTAGE lets a replica fetch without the store.
 */
#ifndef BEGINS
#define BEGINS 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif

/* Where a replica is in RefreshAttempt: between two steps of the store. */
mtype = { idle, granted, paused, sent, issued, refused };

typedef TokenStore {
  byte generation, base, value;         /* record; generation 0: none */
  byte fence, suspect, intent, beganAt; /* intent 0: none */
  bit inDoubt                           /* of the intent */
};

typedef Replica {
  mtype at;
  byte fence, base, request, value;     /* the permit, when the request was sent, and the token that came of it */
  bit overlapping, isOffline;
  byte generation, heldBase, heldValue; /* TokenMemory.token */
  byte committed;                       /* TokenMemory.committed */
  bit isLate, isBereft, isWitness       /* Its death would be one of the cases that stay open. */
};

TokenStore store;
Replica replica[2];
byte now, minted, begins, crashes;
unsigned underWay : 16; /* Requests that the platform may still process, by the moment they were granted. */
unsigned unclear : 16;  /* Fetches that may have minted and whose owner gave up or died, by fence. */
bit isOver;
bit isCommitted; /* Of the last commit. */
byte i_;

#define bitOf(n) (1 << (n))
#define isGranted(i, t) (replica[i].at == granted && replica[i].fence <= (t))
#define isYoung(t) (isGranted(0, t) || isGranted(1, t) || (underWay & (bitOf((t) + 1) - 1)))
#define isSuspect (store.generation && store.generation <= store.suspect)
#define suspectReasonOf (store.intent || isSuspect)
#define isNewest (store.value == minted)
#define isQuiet (underWay == 0 && replica[0].at == idle && replica[1].at == idle)

inline raise(variable, least) {
  if :: variable < least -> variable = least :: else fi
}

/* ---- the store's methods ---- */

inline suspectUpTo(upTo) {
#if defined(NO_FENCE) || defined(FENCE_ONLY)
  skip
#else
  raise(store.suspect, upTo)
#endif
}

inline begin(i) {
  now++;
  begins++;
  replica[i].overlapping = 0;
  if
#ifdef NO_OVERLAP
  :: false
#elif defined(OVERLAP_BY_INTENT)
  :: isYoung(store.beganAt) && store.intent -> replica[i].overlapping = 1
#else
  :: isYoung(store.beganAt) && suspectReasonOf -> replica[i].overlapping = 1
#endif
  :: else
  fi;
  store.fence = now;
  store.beganAt = now;
#ifndef NO_INTENT
  store.inDoubt = (store.intent != 0);
  store.intent = now;
#endif
  replica[i].fence = now;
  replica[i].base = store.generation;
  replica[i].at = granted;
  printf("replica %d: begin, fence %d, base %d, overlapping %d\n", i, now, store.generation, replica[i].overlapping)
}

inline commit(i) {
  isCommitted = 0;
  if
  :: store.generation == replica[i].fence || (store.generation && store.base == replica[i].fence) ->
    isCommitted = 1
  :: else ->
    if :: store.intent == replica[i].fence -> store.intent = 0; store.inDoubt = 0 :: else fi;
    if
#ifndef NO_FENCE
    :: replica[i].fence < store.generation ->
      suspectUpTo(store.fence);
      printf("replica %d: commit of %d is superseded by %d\n", i, replica[i].fence, store.generation)
#endif
    :: else ->
      raise(store.fence, replica[i].fence);
      if :: store.generation != replica[i].base || replica[i].overlapping -> suspectUpTo(store.fence) :: else fi;
      store.generation = replica[i].fence;
      store.base = replica[i].base;
      store.value = replica[i].value;
      isCommitted = 1;
      printf("replica %d: commit, generation %d is token %d, suspect %d\n", i, store.generation, store.value, isSuspect)
    fi
  fi
}

inline abortUnknown(i) {
  if :: store.intent != replica[i].fence -> suspectUpTo(store.fence) :: else fi;
#ifndef HASTY_ABORT
  if :: store.intent == 0 -> store.intent = replica[i].fence :: else fi;
  store.inDoubt = 1;
  now++;
  store.beganAt = now;
#endif
  printf("replica %d: abort %d, outcome unknown\n", i, replica[i].fence)
}

/* Nothing was minted: not sent, or refused. */
inline abortUnminted(i) {
  if :: store.intent == replica[i].fence && !store.inDoubt -> store.intent = 0 :: else fi;
  printf("replica %d: abort %d, nothing was minted\n", i, replica[i].fence)
}

inline reconcile(i) {
  if
  :: replica[i].generation > store.generation ->
    printf("replica %d: reconcile, re-seeds generation %d over %d\n", i, replica[i].generation, store.generation);
    store.generation = replica[i].generation;
    store.base = replica[i].heldBase;
    store.value = replica[i].heldValue;
    raise(store.fence, store.generation);
    now++;
    store.beganAt = now;
#ifndef NO_SUSPECT
    suspectUpTo(store.generation)
  :: store.generation > replica[i].committed && store.base < replica[i].committed ->
    suspectUpTo(store.generation);
    printf("replica %d: reconcile, suspects generation %d\n", i, store.generation)
#endif
  :: else
  fi;
  replica[i].isWitness = 0;
  adopt(i)
}

/* ---- the replicas ---- */

/* S3: one generation, one value; a replica's generation never falls. */
inline adopt(i) {
  assert(store.generation == 0 || store.generation != replica[i].generation || store.value == replica[i].heldValue);
  if
  :: store.generation > replica[i].generation ->
    replica[i].generation = store.generation;
    replica[i].heldBase = store.base;
    replica[i].heldValue = store.value
  :: else
  fi
}

/* Served before it is stored: no older token is better. */
inline hold(i) {
  if
  :: replica[i].fence > replica[i].generation ->
    replica[i].generation = replica[i].fence;
    replica[i].heldBase = replica[i].base;
    replica[i].heldValue = replica[i].value
  :: else
  fi
}

inline noteCommitted(i) {
  if :: isCommitted -> raise(replica[i].committed, replica[i].fence) :: else fi;
  isCommitted = 0
}

inline finish(i) {
  replica[i].at = idle;
  replica[i].fence = 0; replica[i].base = 0; replica[i].request = 0; replica[i].value = 0;
  replica[i].overlapping = 0; replica[i].isOffline = 0; replica[i].isLate = 0; replica[i].isBereft = 0;
  if :: isQuiet && !suspectReasonOf && isNewest -> unclear = 0 :: else fi
}

inline send(i, moment) {
  assert(moment <= 12); /* As far as the platform counts. */
  replica[i].at = sent;
  replica[i].request = moment;
  underWay = underWay | bitOf(moment);
  printf("replica %d: sends request %d\n", i, moment)
}

/* Fetches without the store, which is out of reach for this replica. */
inline offline(i) {
  now++;
  begins++;
  replica[i].isOffline = 1;
  replica[i].fence = now;
  replica[i].base = replica[i].generation;
  replica[i].isBereft = 1;
  send(i, now)
}

inline endOffline(i) {
#ifndef FORGOTTEN_OFFLINE
  raise(replica[i].committed, replica[i].fence);
#endif
  printf("replica %d: holds generation %d, token %d, without the store\n", i, replica[i].fence, replica[i].value);
  finish(i);
  replica[i].isWitness = 1
}

#ifdef OPEN_DEATH
#define mayDie(i) true
#else
#define mayDie(i) (!replica[i].isLate && !replica[i].isBereft && !replica[i].isWitness)
#endif
#define knowsBetter(i) (replica[i].generation > store.generation || store.base < replica[i].committed)

inline crash(i) {
  crashes++;
  printf("replica %d: crashes and starts again\n", i);
  if :: replica[i].at == sent || replica[i].at == issued -> unclear = unclear | bitOf(replica[i].fence) :: else fi;
  finish(i);
  replica[i].generation = 0; replica[i].heldBase = 0; replica[i].heldValue = 0; replica[i].committed = 0;
  replica[i].isWitness = 0
}

proctype Broker(byte i) {
  do
  :: d_step { !isOver && replica[i].at == idle && store.generation > replica[i].generation -> adopt(i) }
  :: d_step { !isOver && replica[i].at == idle && store.generation <= replica[i].generation && begins < BEGINS ->
      begin(i) }
  :: d_step { !isOver && replica[i].at == granted -> send(i, replica[i].fence) }
  :: d_step { !isOver && (replica[i].at == granted || (replica[i].at == refused && !replica[i].isOffline)) ->
      abortUnminted(i); adopt(i); finish(i) }
#ifdef PAUSE
  :: d_step { !isOver && replica[i].at == granted ->
      replica[i].at = paused; printf("replica %d: pauses after the guard\n", i) }
  :: d_step { !isOver && replica[i].at == paused -> now++; replica[i].isLate = 1; send(i, now) }
#endif
  :: d_step { !isOver && replica[i].at == issued && !replica[i].isOffline ->
      commit(i); noteCommitted(i); adopt(i); finish(i) }
  :: d_step { !isOver && replica[i].at == issued && !replica[i].isOffline && store.generation != replica[i].fence ->
      commit(i); isCommitted = 0; printf("replica %d: but does not hear of it\n", i) }
  :: d_step { !isOver && replica[i].at == sent ->
      abortUnknown(i); adopt(i); unclear = unclear | bitOf(replica[i].fence); finish(i) }
#ifdef OUTAGE
  :: d_step { !isOver && replica[i].at == idle && replica[i].generation && begins < BEGINS -> offline(i) }
  :: d_step { !isOver && replica[i].at == issued && replica[i].isOffline -> endOffline(i) }
  :: d_step { !isOver && replica[i].at == refused && replica[i].isOffline -> finish(i) }
#endif
#ifdef DROPPED_ABORT
  :: d_step { !isOver && replica[i].at == sent ->
      printf("replica %d: gives up, the store cannot be reached\n", i);
      unclear = unclear | bitOf(replica[i].fence);
      finish(i) }
#endif
  :: d_step { !isOver && replica[i].at != issued && knowsBetter(i) -> reconcile(i) }
  :: d_step { !isOver && crashes < CRASHES && (replica[i].at != idle || replica[i].generation) && mayDie(i) ->
      crash(i) }
  :: isOver -> break
  od
}

/* ---- the platform ---- */

inline answer(number, outcome) {
  i_ = 0;
  do
  :: i_ < 2 ->
    if
    :: replica[i_].at == sent && replica[i_].request == number ->
      replica[i_].at = outcome;
      if :: outcome == issued -> replica[i_].value = minted; hold(i_) :: else fi
    :: else
    fi;
    i_++
  :: else -> break
  od;
  i_ = 0
}

inline take(number) { underWay = underWay & ~bitOf(number) }
inline mint(number) {
  take(number);
  minted++;
  printf("platform: mints token %d for request %d\n", minted, number)
}

#define PROCESS(number) \
  :: d_step { !isOver && (underWay & bitOf(number)) -> mint(number); answer(number, issued) } \
  :: d_step { !isOver && (underWay & bitOf(number)) -> mint(number) /* The answer is lost. */ } \
  :: d_step { !isOver && (underWay & bitOf(number)) -> take(number); answer(number, refused) } \
  :: d_step { !isOver && (underWay & bitOf(number)) -> take(number) /* The request is lost. */ }

proctype Platform() {
  do
  PROCESS(1) PROCESS(2) PROCESS(3) PROCESS(4) PROCESS(5) PROCESS(6)
  PROCESS(7) PROCESS(8) PROCESS(9) PROCESS(10) PROCESS(11) PROCESS(12)
#ifdef OPEN_STRANGER
  :: d_step { !isOver && minted == 1 -> minted++; printf("platform: mints token %d for somebody else\n", minted) }
#endif
  :: isOver -> break
  od
}

/* ---- the failover ---- */

TokenStore snapshot;
byte snapshotAt;

inline copy(from, to) {
  to.generation = from.generation; to.base = from.base; to.value = from.value;
  to.fence = from.fence; to.suspect = from.suspect; to.intent = from.intent; to.inDoubt = from.inDoubt;
  to.beganAt = from.beganAt
}

#define stored(i) (replica[i].committed == store.generation)
#ifdef OPEN_DEATH
#define isRemembered true
#else
#define isRemembered ((unclear >> (snapshotAt + 1)) == 0 \
  && (store.generation == snapshot.generation || stored(0) || stored(1)))
#endif

inline watch(i) {
  replica[i].isBereft = (replica[i].at != idle && replica[i].fence > snapshotAt);
  replica[i].isWitness = (replica[i].committed > snapshot.generation)
}

proctype Failover() {
  d_step { !isOver -> copy(store, snapshot); snapshotAt = now };
  d_step { !isOver && now > snapshotAt && isRemembered ->
    printf("store: fails over, from generation %d to %d\n", store.generation, snapshot.generation);
    watch(0); watch(1);
    copy(snapshot, store) }
}

/* ---- the checks ---- */

/* S4: a token that is not the newest is suspect. S1, S2: then it is replaced, and no token is suspect. */
inline check() {
  printf("rest: stored token %d, newest %d, suspect %d\n", store.value, minted, suspectReasonOf);
  assert(store.generation == 0 || isNewest || suspectReasonOf);
  i_ = 0;
  do
  :: suspectReasonOf && i_ < 3 ->
    begin(0);
    mint(0);
    replica[0].value = minted;
    commit(0); noteCommitted(0); adopt(0); finish(0);
    i_++
  :: else -> break
  od;
  reconcile(1); reconcile(0);
  assert(!suspectReasonOf);
  assert(store.generation == 0 || isNewest);
  assert(replica[0].generation == store.generation && replica[1].generation == store.generation)
}

proctype Rest() {
  if
  :: d_step { isQuiet -> isOver = 1; reconcile(0); reconcile(1); check() }
  :: d_step { isQuiet -> isOver = 1; reconcile(1); reconcile(0); check() }
  fi
}

init {
  atomic {
    replica[0].at = idle;
    replica[1].at = idle;
    run Broker(0); run Broker(1); run Platform(); run Rest();
#ifdef FAILOVER
    run Failover()
#endif
  }
}
