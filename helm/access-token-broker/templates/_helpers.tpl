{{- define "access-token-broker.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 57 characters at most, so that "-redis" and "-test" still fit a name of 63. */}}
{{- define "access-token-broker.fullname" -}}
{{- $name := include "access-token-broker.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 57 | trimSuffix "-" -}}
{{- end -}}

{{- define "access-token-broker.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/*
Name, namespace, labels and annotations of an object. Takes a dict: `root`; `component`; `suffix` of the name, `name` in place of
it; `namespace`, `labels` and `annotations` of its own.
*/}}
{{- define "access-token-broker.metadata" -}}
{{- $root := .root -}}
name: {{ .name | default (printf "%s%s" (include "access-token-broker.fullname" $root) (.suffix | default "")) | quote }}
namespace: {{ .namespace | default (include "access-token-broker.namespace" $root) | quote }}
labels:
  {{- include "access-token-broker.labels" (list $root (.component | default "broker")) | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.annotations | default dict) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "access-token-broker.serviceAccountName" -}}
{{- $own := .Values.serviceAccount.create | ternary (include "access-token-broker.fullname" .) "default" -}}
{{- .Values.serviceAccount.name | default $own -}}
{{- end -}}

{{/* Takes a list: the root context and the component. */}}
{{- define "access-token-broker.selectorLabels" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "access-token-broker.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{/* What the chart sets itself. Takes a list: the root context and the component. */}}
{{- define "access-token-broker.ownLabels" -}}
{{- $root := first . -}}
{{ include "access-token-broker.selectorLabels" . }}
{{- if ne (last .) "trial-redis" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Takes a list: the root context and the component. */}}
{{- define "access-token-broker.labels" -}}
{{ include "access-token-broker.ownLabels" . }}
{{- with (first .).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The labels of pods. Without the chart's version, so that a new one alone restarts nothing. Takes a list: the root context and the component. */}}
{{- define "access-token-broker.podLabels" -}}
{{ include "access-token-broker.selectorLabels" . }}
{{- with (first .).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes a list: the root context and the values of the image. */}}
{{- define "access-token-broker.image" -}}
{{- $root := first . -}}
{{- with last . -}}
{{- with $root.Values.global.imageRegistry | default .registry }}{{ . }}/{{ end -}}
{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $root.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* What all pods of the chart have in common. */}}
{{- define "access-token-broker.pod" -}}
serviceAccountName: {{ include "access-token-broker.serviceAccountName" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with concat .Values.imagePullSecrets .Values.global.imagePullSecrets | uniq }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{/* Containers of the values, with the broker's securityContext where they have none. Takes a list: the root context and the containers. */}}
{{- define "access-token-broker.containers" -}}
{{- range last . }}
- {{ merge dict . (dict "securityContext" (first $).Values.securityContext) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{/* The entries of `config.apps` or `config.clients`, each with its name, as a list in JSON. */}}
{{- define "access-token-broker.named" -}}
{{- $list := list -}}
{{- if kindIs "map" . -}}
{{- range $name, $entry := . -}}
{{- with $entry }}{{ $list = append $list (merge (dict "name" $name) .) }}{{ end -}}
{{- end -}}
{{- else -}}
{{- $list = . | default list -}}
{{- end -}}
{{- toJson $list -}}
{{- end -}}

{{/* The app that `helm test` asks for; empty if the values name none. */}}
{{- define "access-token-broker.testApp" -}}
{{- $apps := include "access-token-broker.named" .Values.config.apps | fromJsonArray -}}
{{- .Values.test.app | default (dig "name" "" (first $apps | default dict)) -}}
{{- end -}}

{{- define "access-token-broker.testSecret" -}}
{{- .Values.test.existingSecret | default .Values.existingSecret -}}
{{- end -}}

{{- define "access-token-broker.trialRedisSecret" -}}
{{- .Values.trialRedis.existingSecret | default (printf "%s-redis" (include "access-token-broker.fullname" .)) -}}
{{- end -}}

{{/* The running Deployment as JSON; empty before the first install, and where the chart is rendered without the cluster. */}}
{{- define "access-token-broker.running" -}}
{{- lookup "apps/v1" "Deployment" (include "access-token-broker.namespace" .) (include "access-token-broker.fullname" .) | default dict | toJson -}}
{{- end -}}

{{/*
The ConfigMap that the pods mount. The name follows the image and what only a restart takes over, so that a change of these rolls
the pods: those that run keep the configuration that they were started with, until new pods have proved the new one. All else
changes in place, and the pods take it over while they run. Other keys of apps are left out, since a new app is to roll nothing.
*/}}
{{- define "access-token-broker.configMap" -}}
{{- $fixed := omit (include "access-token-broker.config" . | fromYaml) "apps" "clients" "configDir" "identities" "gateway" "egress" "rate" "auth" "limits" "metrics" -}}
{{- $image := include "access-token-broker.image" (list . .Values.image) -}}
{{- $hash := list $image $fixed | toJson | sha256sum | trunc 10 -}}
{{- $name := include "access-token-broker.fullname" . | trunc 52 | trimSuffix "-" -}}
{{- .Values.existingConfigMap | default (printf "%s-%s" $name $hash) -}}
{{- end -}}

{{/* The names of the last three ConfigMaps before this one, with spaces between, as the running Deployment knows them. */}}
{{- define "access-token-broker.earlierConfigMaps" -}}
{{- $running := include "access-token-broker.running" . | fromJson -}}
{{- $names := list -}}
{{- range dig "spec" "template" "spec" "volumes" list $running -}}
{{- if eq .name "config" }}{{ $names = append $names (dig "configMap" "name" "" .) }}{{ end -}}
{{- end -}}
{{- $annotations := dig "metadata" "annotations" dict $running -}}
{{- $names = concat $names (splitList " " (get $annotations "access-token-broker/earlier-config-maps")) -}}
{{- $names = without (uniq $names) "" (include "access-token-broker.configMap" .) -}}
{{- slice $names 0 (min 3 (len $names)) | join " " -}}
{{- end -}}

{{- define "access-token-broker.port" -}}
{{- (.Values.config.server | default dict).port | default 8080 | int -}}
{{- end -}}

{{/* The port of operators; empty without one. */}}
{{- define "access-token-broker.adminPort" -}}
{{- with (.Values.config.server | default dict).adminPort }}{{ int . }}{{ end -}}
{{- end -}}

{{/* The name of the port that has metrics, and health with names. */}}
{{- define "access-token-broker.operatorsPort" -}}
{{- include "access-token-broker.adminPort" . | empty | ternary "http" "admin" -}}
{{- end -}}

{{/* `https` or `http`. */}}
{{- define "access-token-broker.scheme" -}}
{{- or .Values.tls (.Values.config.server | default dict).tls | empty | ternary "http" "https" -}}
{{- end -}}

{{/* A duration such as 1m30s in milliseconds. */}}
{{- define "access-token-broker.milliseconds" -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
{{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+" .) -}}
{{- $sum = add $sum (mul (regexFind "[0-9]+" .) $unit) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{/* The port of a URL, or the default. Takes a list: the URL and the default. */}}
{{- define "access-token-broker.urlPort" -}}
{{- regexReplaceAll "^[a-z]+://[^/]*?(:([0-9]+))?(/.*)?$" (first .) "${2}" | default (last .) -}}
{{- end -}}

{{/* The TCP ports that the broker has to reach, with spaces between: WeChat, Redis, the trace collector, issuers of JWTs, proxies, and those of the values. */}}
{{- define "access-token-broker.egressPorts" -}}
{{- $ports := list "443" -}}
{{- $redis := .Values.config.redis | default dict -}}
{{- if kindIs "string" $redis.url -}}
{{- $ports = append $ports (include "access-token-broker.urlPort" (list $redis.url "6379")) -}}
{{- else if or $redis .Values.existingConfigMap -}}
{{- $ports = append $ports "6379" -}}
{{- end -}}
{{- range concat ($redis.sentinels | default list) ($redis.clusterNodes | default list) -}}
{{- $ports = append $ports (.port | int | toString) -}}
{{- end -}}
{{- $urls := list (.Values.config.tracing | default dict).endpoint -}}
{{- range include "access-token-broker.named" .Values.config.apps | fromJsonArray -}}
{{- $urls = concat $urls (list .apiBaseUrl .tokenUrl (.gateway | default dict).baseUrl) -}}
{{- end -}}
{{- range compact $urls -}}
{{- $ports = append $ports (include "access-token-broker.urlPort" (list . (hasPrefix "https:" . | ternary "443" "80"))) -}}
{{- end -}}
{{- $ways := list (.Values.config.egress | default dict) -}}
{{- range include "access-token-broker.named" .Values.config.apps | fromJsonArray -}}
{{- $ways = append $ways (.egress | default dict) -}}
{{- end -}}
{{- range $ways -}}
{{- if kindIs "string" .proxy -}}
{{- $ports = append $ports (include "access-token-broker.urlPort" (list (trimSuffix "/" .proxy) (hasPrefix "https:" .proxy | ternary "443" "80"))) -}}
{{- else if .proxy -}}
{{- $ports = append $ports "3128" -}}
{{- end -}}
{{- end -}}
{{- range (.Values.config.identities | default dict).jwt -}}
{{- with .jwksUri }}{{ $ports = append $ports (include "access-token-broker.urlPort" (list . "443")) }}{{ end -}}
{{- end -}}
{{- if .Values.clusterIdentity }}{{ $ports = append $ports "6443" }}{{ end -}}
{{- range .Values.networkPolicy.egressPorts -}}
{{- $ports = append $ports (. | int | toString) -}}
{{- end -}}
{{- $ports | uniq | join " " -}}
{{- end -}}

{{/* Where the gateway's spool is mounted; empty without one, or where another volume is there already. */}}
{{- define "access-token-broker.spoolDirectory" -}}
{{- $isMade := .Values.gatewaySpool.enabled -}}
{{- if kindIs "invalid" $isMade -}}
{{- range include "access-token-broker.named" .Values.config.clients | fromJsonArray -}}
{{- if .gateway }}{{ $isMade = true }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $directory := (.Values.config.gateway | default dict).spoolDirectory | default "/tmp" | trimSuffix "/" -}}
{{- range .Values.extraVolumeMounts -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $directory) }}{{ $isMade = false }}{{ end -}}
{{- end -}}
{{- if $isMade }}{{ $directory }}{{ end -}}
{{- end -}}

{{/* Not empty: there may be more than one replica. */}}
{{- define "access-token-broker.isShared" -}}
{{- $most := .Values.autoscaling.enabled | ternary .Values.autoscaling.maxReplicas .Values.replicaCount -}}
{{- if gt (int $most) 1 }}true{{ end -}}
{{- end -}}

{{/* Not empty: there is a Redis, or nobody knows because the configuration is in a ConfigMap of its own. */}}
{{- define "access-token-broker.hasRedis" -}}
{{- if or .Values.config.redis .Values.trialRedis.enabled .Values.existingConfigMap }}true{{ end -}}
{{- end -}}

{{/* Seconds from the end of the endpoint to the last answer: the sleep, the drain, what was sent to WeChat, and 5 for Redis and slow callers. */}}
{{- define "access-token-broker.drainSeconds" -}}
{{- $longest := 8.0 -}}
{{- range include "access-token-broker.named" .Values.config.apps | fromJsonArray -}}
{{- $longest = maxf $longest ((.refresh | default dict).upstreamTimeoutSeconds | default 8) -}}
{{- end -}}
{{- $drain := (.Values.config.server | default dict).drainSeconds | default 0 -}}
{{- addf .Values.preStopSleepSeconds $drain $longest 5 | ceil | int -}}
{{- end -}}

{{- define "access-token-broker.graceSeconds" -}}
{{- .Values.terminationGracePeriodSeconds | default (add (include "access-token-broker.drainSeconds" .) 5) | int -}}
{{- end -}}

{{/* The broker's configuration file: what `config` says, without empty sections but for `console`, and with the places of secrets filled in. */}}
{{- define "access-token-broker.config" -}}
{{- $secrets := "/run/secrets/broker" -}}
{{- $config := dict -}}
{{- range $key, $section := .Values.config -}}
{{- if or $section (and (eq $key "console") (kindIs "map" $section)) }}{{ $_ := set $config $key $section }}{{ end -}}
{{- end -}}
{{- $apps := list -}}
{{- $secretKeys := .Files.Get "files/secret-keys.json" | fromJson -}}
{{- range include "access-token-broker.named" .Values.config.apps | fromJsonArray -}}
{{- $key := get $secretKeys (.provider | default "wechat") -}}
{{- $secret := get . $key | default (dict "file" (printf "%s/%s" $secrets .name)) -}}
{{- $apps = append $apps (merge (dict $key $secret) (omit . $key)) -}}
{{- end -}}
{{- $_ := set $config "apps" $apps -}}
{{- $_ := set $config "clients" (include "access-token-broker.named" .Values.config.clients | fromJsonArray) -}}
{{- if .Values.trialRedis.enabled -}}
{{- $_ := set $config "redis" (dict "url" (printf "redis://%s-redis:6379/0" (include "access-token-broker.fullname" .)) "password" (dict "env" "TRIAL_REDIS_PASSWORD")) -}}
{{- end -}}
{{- with .Values.teams.configMaps -}}
{{- $folder := dict "path" "/run/teams" -}}
{{- with $.Values.teams.limits }}{{ $_ := set $folder "teams" . }}{{ end -}}
{{- $_ := set $config "configDir" $folder -}}
{{- end -}}
{{- with .Values.tls -}}
{{- $tls := dict "cert" (dict "file" "/run/secrets/tls/tls.crt") "key" (dict "file" "/run/secrets/tls/tls.key") -}}
{{- if .clientCa }}{{ $_ := set $tls "clientCa" (dict "file" "/run/secrets/tls/ca.crt") }}{{ end -}}
{{- $_ := set $config "server" (merge dict ($config.server | default dict) (dict "tls" $tls)) -}}
{{- end -}}
{{- with .Values.clusterIdentity -}}
{{- $issuer := dict "issuer" (.issuer | default "https://kubernetes.default.svc.cluster.local") "audience" .audience "jwksUri" "https://kubernetes.default.svc/openid/v1/jwks" "caFile" "/run/secrets/cluster/ca.crt" "tokenFile" "/run/secrets/cluster/token" -}}
{{- $_ := set $config "identities" (dict "jwt" (append (($config.identities | default dict).jwt | default list) $issuer)) -}}
{{- end -}}
{{- if .Values.egressCa -}}
{{- $ca := dict "file" (printf "/run/egress-ca/%s" (.Values.egressCa.key | default "ca.crt")) -}}
{{- $_ := set $config "egress" (merge dict ($config.egress | default dict) (dict "ca" $ca)) -}}
{{- end -}}
{{- if and $config.redis (not $config.encryption) -}}
{{- $key := dict "id" "k1" "key" (dict "file" (printf "%s/encryption-key" $secrets)) -}}
{{- $_ := set $config "encryption" (dict "keys" (list $key)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* How Prometheus scrapes a replica. Takes a list: the root context and the values of a monitor. */}}
{{- define "access-token-broker.scrape" -}}
{{- $root := first . -}}
{{- with last . -}}
port: {{ include "access-token-broker.operatorsPort" $root }}
path: /metrics
{{- if eq (include "access-token-broker.scheme" $root) "https" }}
scheme: https
tlsConfig:
  {{- $root.Values.metrics.tlsConfig | default (dict "insecureSkipVerify" true) | toYaml | nindent 2 }}
{{- end }}
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
An expression of the rules that looks at the series of one release alone: each name of a series gets the selector. Takes a list:
the expression and the selector, such as `namespace="wechat",job="tokens"`.
*/}}
{{- define "access-token-broker.ownSeries" -}}
{{- $series := `\b((?:[a-z]+:)?tokenbroker_[a-z0-9_:]+|up|process_start_time_seconds|ALERTS)\b` -}}
{{- $all := regexReplaceAll $series (first .) (printf "${1}{%s}" (last .)) -}}
{{- regexReplaceAll `\}\{\s*` $all "," -}}
{{- end -}}
