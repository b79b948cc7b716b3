{{- define "access-token-broker.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 57 characters at most, so that "-redis" and "-test" still fit a name of 63. */}}
{{- define "access-token-broker.fullname" -}}
{{- $name := include "access-token-broker.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 57 | trimSuffix "-" -}}
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

{{- define "access-token-broker.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "access-token-broker.port" -}}
{{- (.Values.config.server | default dict).port | default 8080 | int -}}
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

{{/* The ports of Redis that the values name, with spaces between. Those in a Secret are not known. */}}
{{- define "access-token-broker.redisPorts" -}}
{{- $redis := .Values.config.redis | default dict -}}
{{- $ports := list -}}
{{- if .Values.trialRedis.enabled -}}
{{- $ports = append $ports 6379 -}}
{{- end -}}
{{- if kindIs "string" $redis.url -}}
{{- $port := regexReplaceAll "^rediss?://[^/]*?(:([0-9]+))?(/.*)?$" $redis.url "${2}" -}}
{{- $ports = append $ports ($port | default 6379 | int) -}}
{{- end -}}
{{- range concat ($redis.sentinels | default list) ($redis.clusterNodes | default list) -}}
{{- $ports = append $ports (int .port) -}}
{{- end -}}
{{- $ports | uniq | join " " -}}
{{- end -}}

{{/* Not empty: there may be more than one replica. */}}
{{- define "access-token-broker.isShared" -}}
{{- $most := .Values.autoscaling.enabled | ternary .Values.autoscaling.maxReplicas .Values.replicaCount -}}
{{- if gt (int $most) 1 }}true{{ end -}}
{{- end -}}

{{/* Not empty: there is a Redis. */}}
{{- define "access-token-broker.hasRedis" -}}
{{- if or .Values.config.redis .Values.trialRedis.enabled }}true{{ end -}}
{{- end -}}

{{/* Seconds from the end of the endpoint to the last answer: the sleep, the drain, a probe and a fetch that were sent, and some to spare. */}}
{{- define "access-token-broker.drainSeconds" -}}
{{- $longest := 0.0 -}}
{{- range .Values.config.apps -}}
{{- $longest = maxf $longest ((.refresh | default dict).upstreamTimeoutSeconds | default 8) -}}
{{- end -}}
{{- $drain := (.Values.config.server | default dict).drainSeconds | default 0 -}}
{{- addf .Values.preStopSleepSeconds $drain (mulf 2 $longest) 5 | ceil | int -}}
{{- end -}}

{{/* The broker's configuration file: what `config` says, without empty sections, and with the places of secrets filled in. */}}
{{- define "access-token-broker.config" -}}
{{- $secrets := "/run/secrets/broker" -}}
{{- $config := dict -}}
{{- range $key, $section := .Values.config -}}
{{- if $section }}{{ $_ := set $config $key $section }}{{ end -}}
{{- end -}}
{{- $apps := list -}}
{{- range .Values.config.apps -}}
{{- $secret := .appSecret | default (dict "file" (printf "%s/%s" $secrets .name)) -}}
{{- $apps = append $apps (merge (dict "appSecret" $secret) (omit . "appSecret")) -}}
{{- end -}}
{{- $_ := set $config "apps" $apps -}}
{{- if .Values.trialRedis.enabled -}}
{{- $_ := set $config "redis" (dict "url" (printf "redis://%s-redis:6379/0" (include "access-token-broker.fullname" .))) -}}
{{- end -}}
{{- if and $config.redis (not $config.encryption) -}}
{{- $key := dict "id" "k1" "key" (dict "file" (printf "%s/encryption-key" $secrets)) -}}
{{- $_ := set $config "encryption" (dict "keys" (list $key)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
