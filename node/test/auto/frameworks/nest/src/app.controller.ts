import { Controller, Get } from '@nestjs/common'
import { AppService } from './app.service.js'

@Controller()
export class AppController {
  constructor(private readonly service: AppService) {}

  @Get()
  greet(): string {
    return this.service.greet()
  }
}
