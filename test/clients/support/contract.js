// The resources that clients must find: names, fields and operations, as the
// API promises them, written down independently of the declarations in Go.
//
// A field is "type" or "type?" (may be null), with "*" in front when a POST must
// carry it and "=" when only sede sets it. "iri:Name" is a reference to an item
// of that resource, "email" an address, "[]" a list. The operations are those that Hydra and OpenAPI
// can tell apart: list, create, show, edit, delete. The reader is who can read all of it, the demo's
// owner if nobody is named; mayBeEmpty says that a fresh demo need not have any.

export const resources = {
  organizations: {
    name: 'Organization',
    fields: {
      id: '=string',
      type: 'string',
      status: 'string',
      name: '*string',
      slug: 'string',
      stripeCustomerId: '=string?',
      manualBilling: '=boolean',
      databaseStatus: '=[]object?',
      organizationUsers: '=[]iri:OrganizationUser',
      organizationUserInvitations: '=[]iri',
      organizationModules: '=[]iri',
      subscriptions: '=[]iri',
      organizationConfigs: '=[]iri:OrganizationConfig',
      organizationAddresses: '=[]iri',
      createdAt: '=dateTime',
      updatedAt: '=dateTime',
      demo: '=boolean',
      productionLike: 'boolean',
      currentSubscription: '=iri?',
      seats: '=object',
    },
    operations: { list: 'GET', create: 'POST', show: 'GET', edit: 'PATCH' },
    filters: ['name', 'slug', 'slug[]', 'type', 'type[]', 'status', 'status[]', 'createdAt[before]', 'createdAt[strictly_before]',
      'createdAt[after]', 'createdAt[strictly_after]', 'order[name]', 'order[slug]', 'order[createdAt]', 'order[updatedAt]'],
  },
  'organization-users': {
    name: 'OrganizationUser',
    fields: {
      id: '=string',
      organization: '=iri:Organization',
      member: '=iri',
      name: '=string',
      email: '=email',
      role: 'string',
      status: 'string',
      joinedAt: '=dateTime',
      createdAt: '=dateTime',
      updatedAt: '=dateTime',
    },
    operations: { list: 'GET', show: 'GET', edit: 'PATCH', delete: 'DELETE' },
    filters: ['member', 'member[]', 'name', 'email', 'role', 'role[]', 'status', 'joinedAt[after]', 'order[name]', 'order[email]', 'order[role]', 'order[joinedAt]'],
  },
  'organization-configs': {
    name: 'OrganizationConfig',
    fields: {
      id: '=string',
      organization: '=iri:Organization',
      key: '*string',
      value: 'string',
      createdAt: '=dateTime',
      updatedAt: '=dateTime',
    },
    operations: { list: 'GET', create: 'POST', show: 'GET', edit: 'PATCH', delete: 'DELETE' },
    filters: ['key', 'key[]', 'order[key]'],
  },
  locations: {
    name: 'Location',
    fields: {
      id: '=string',
      name: '*string',
      officeOpenHour: 'integer?',
      officeCloseHour: 'integer?',
      timeZone: 'string',
      country: 'iri:Country?',
      address: 'string?',
      createdAt: '=dateTime',
      updatedAt: '=dateTime',
    },
    operations: { list: 'GET', create: 'POST', show: 'GET', edit: 'PATCH' },
    filters: ['name', 'officeOpenHour', 'officeOpenHour[]', 'officeOpenHour[between]', 'officeOpenHour[gt]', 'officeOpenHour[gte]',
      'officeOpenHour[lt]', 'officeOpenHour[lte]', 'exists[officeOpenHour]', 'officeCloseHour', 'timeZone', 'country', 'country[]', 'exists[country]',
      'exists[address]', 'createdAt[before]', 'updatedAt[after]', 'order[name]', 'order[officeOpenHour]', 'order[country]', 'order[createdAt]'],
  },
  employees: {
    name: 'Employee',
    fields: {
      id: '=string',
      firstName: '*string',
      lastName: '*string',
      name: '=string',
      email: 'email?',
      location: 'iri:Location?',
      user: 'iri:User?',
      active: 'boolean',
      createdAt: '=dateTime',
      updatedAt: '=dateTime',
    },
    operations: { list: 'GET', create: 'POST', show: 'GET', edit: 'PATCH' },
    filters: ['firstName', 'lastName', 'name', 'email', 'exists[email]', 'location', 'location[]', 'exists[location]', 'user', 'user[]',
      'exists[user]', 'active', 'createdAt[before]', 'updatedAt[after]', 'order[firstName]', 'order[lastName]', 'order[name]', 'order[createdAt]'],
  },
  jobs: {
    name: 'Job',
    reader: 'operator@demo.example',
    mayBeEmpty: true,
    fields: {
      id: '=string',
      kind: '=string',
      state: '=string',
      organization: '=iri:Organization?',
      attempts: '=integer',
      mostAttempts: '=integer',
      runAt: '=dateTime?',
      error: '=string?',
      createdAt: '=dateTime',
      startedAt: '=dateTime?',
      finishedAt: '=dateTime?',
    },
    operations: { list: 'GET', show: 'GET' },
    filters: ['kind', 'kind[]', 'state', 'state[]', 'organization', 'attempts[gt]', 'runAt[before]', 'createdAt[after]', 'finishedAt[before]',
      'order[runAt]', 'order[finishedAt]'],
  },
  meetings: {
    name: 'Meeting',
    fields: {
      id: '=string',
      employee: '*iri:Employee?',
      dateFrom: '*dateTime',
      dateTo: '*dateTime',
      notes: 'string?',
      time: 'dateTime?',
      duration: 'integer',
      allowOverlap: 'boolean',
      location: 'iri:Location?',
      status: '=string',
      conflicts: '=[]iri:Meeting',
      warnings: '=[]object',
      createdAt: '=dateTime',
      updatedAt: '=dateTime',
    },
    operations: { list: 'GET', create: 'POST', show: 'GET', edit: 'PATCH', delete: 'DELETE' },
    filters: ['employee', 'employee[]', 'exists[employee]', 'dateFrom[before]', 'dateFrom[strictly_before]', 'dateFrom[after]',
      'dateFrom[strictly_after]', 'dateTo[before]', 'dateTo[after]', 'time[before]', 'time[after]', 'exists[time]', 'notes', 'exists[notes]',
      'duration[gte]', 'allowOverlap', 'location', 'location[]', 'exists[location]', 'status', 'status[]', 'between[from]', 'between[to]',
      'order[dateFrom]', 'order[dateTo]', 'order[time]', 'order[updatedAt]'],
  },
  countries: {
    name: 'Country',
    fields: {
      id: '*string',
      name: '=string',
      currency: '=string?',
      callingCode: '=string',
    },
    operations: { list: 'GET', show: 'GET' },
    filters: ['id', 'id[]'],
  },
  languages: {
    name: 'Language',
    fields: {
      id: '*string',
      name: '=string',
    },
    operations: { list: 'GET', create: 'POST', show: 'GET' },
    filters: [],
  },
};

/** Splits "*integer?" into its parts. */
export function shape(text) {
  const [, mark, list, base, target, nullable] = /^([*=]?)(\[\])?([a-zA-Z]+)(?::(\w+))?(\?)?$/.exec(text);
  return { required: mark === '*', writable: mark !== '=', list: !!list, type: base, target, nullable: !!nullable };
}
