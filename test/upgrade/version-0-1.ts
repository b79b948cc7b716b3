/** A built checkout of version 0.1: ci/upgrade.sh makes it. */
export const OLD_CHECKOUT = process.env.OLD_CHECKOUT ?? '';

/** What docs/redis.md of 0.1 gave to its Redis user. */
export const OLD_ACL =
  '~tokenbroker:* &tokenbroker:* -@all +hello +auth +ping +info +select +client|setname +eval +evalsha +time +get +set +del +exists +hgetall +hset +hdel +cluster|slots +cluster|info +readonly +readwrite +asking +publish +subscribe +unsubscribe';

export const USER = { name: 'broker', password: 'broker-password' };
